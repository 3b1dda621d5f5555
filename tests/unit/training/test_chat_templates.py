"""Our rendering of chat templates gives what transformers' own gives."""

from pathlib import Path
from typing import Any

import pytest
from transformers.utils.chat_template_utils import render_jinja_template

from embassy.training.examples.errors import Unusable
from embassy.training.examples.jinja import render
from embassy.training.examples.templates import Template

SHIPPED = Path(__file__).resolve().parents[3] / "models" / "tiny-llama-instruct" / "chat_template.jinja"
CHATML = """{%- for message in messages %}
    {%- if message.role == 'system' and loop.index0 %}{% continue %}{% endif %}
    {{- '<|im_start|>' + message.role + '\\n' }}
    {%- if message.role == 'assistant' %}
        {%- generation %}{{ message.content }}{{ '<|im_end|>\\n' }}{%- endgeneration %}
    {%- else %}
        {{- message.content | trim + '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if tools %}{{ tools | tojson(indent=2) }}{{ {'a': '<&'} | tojson }}{% endif %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""
DATED = "{{ bos_token }}{{ strftime_now('%d %b %Y') }}{% for m in messages %}{{ m['content'] }}{% endfor %}"
TEMPLATES = {"shipped": SHIPPED.read_text(), "chatml": CHATML, "dated": DATED}

CONVERSATION = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "  What is 1 < 2 & 'ü'?\n"},
    {"role": "assistant", "content": "True ✓"},
    {"role": "user", "content": "And then?"},
    {"role": "assistant", "content": "Nothing."},
]
TOOLS = [{"type": "function", "function": {"name": "sum", "description": "Adds <b>."}}]
SPECIAL = {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"}


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("tools", [None, TOOLS])
@pytest.mark.parametrize("marks", [False, True])
def test_it_renders_as_transformers_does(name: str, asks: bool, tools: Any, marks: bool) -> None:
    texts, spans = render_jinja_template(
        conversations=[CONVERSATION],
        tools=tools,
        chat_template=TEMPLATES[name],
        add_generation_prompt=asks,
        return_assistant_tokens_mask=marks,
        **SPECIAL,
    )
    variables = {
        "messages": CONVERSATION,
        "tools": tools,
        "documents": None,
        "add_generation_prompt": asks,
        **SPECIAL,
    }

    text, found = render(TEMPLATES[name], variables, marks_answers=marks)

    assert text == texts[0]
    assert found == (spans[0] if marks else [])


class Tokenizer:
    def __init__(self, chat_template: str) -> None:
        self.chat_template, self.special_tokens_map = chat_template, SPECIAL


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('no system messages') }}",
        "{% if %}",
        "{{ messages.__class__.__mro__ }}",
        "{{ messages.append(1) }}",
    ],
)
def test_a_template_that_refuses_or_reaches_out_is_told(template: str) -> None:
    with pytest.raises(Unusable, match="chat template cannot be used"):
        Template(Tokenizer(template)).text(CONVERSATION)
