"""What the shipped chat template renders, and which tokens it marks as the assistant's."""

from typing import Any

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from tests.unit.recipes.shipped import MODEL

Messages = list[dict[str, Any]]
TOOL = {
    "type": "function",
    "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}},
}


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return AutoTokenizer.from_pretrained(MODEL)


def rendered(tokenizer: PreTrainedTokenizerFast, messages: Messages, **options: Any) -> str:
    return str(tokenizer.apply_chat_template(messages, tokenize=False, **options))


def marked(tokenizer: PreTrainedTokenizerFast, messages: Messages) -> str:
    """The text of all tokens that the generation mask marks."""
    out = tokenizer.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
    pairs = zip(out["input_ids"], out["assistant_masks"], strict=True)
    return str(tokenizer.decode([token for token, mask in pairs if mask]))


def call(arguments: Any) -> dict[str, Any]:
    function = {"name": "get_time", "arguments": arguments}
    return {"role": "assistant", "content": None, "tool_calls": [{"type": "function", "function": function}]}


def test_plain_conversation_is_llama_3_style(tokenizer: PreTrainedTokenizerFast) -> None:
    messages = [{"role": "system", "content": " Be kind. "}, {"role": "user", "content": "Hi"}]

    assert rendered(tokenizer, messages, add_generation_prompt=True) == (
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe kind.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    )


def test_mask_covers_the_answers_with_their_end(tokenizer: PreTrainedTokenizerFast) -> None:
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "Bye"},
        {"role": "assistant", "content": "Goodbye!"},
    ]

    assert marked(tokenizer, messages) == "Hello!<|eot_id|>Goodbye!<|eot_id|>"


def test_mask_covers_tool_calls(tokenizer: PreTrainedTokenizerFast) -> None:
    messages = [{"role": "user", "content": "Time?"}, call({})]

    assert marked(tokenizer, messages) == (
        '<tool_call>\n{"name": "get_time", "arguments": {}}\n</tool_call><|eot_id|>'
    )


@pytest.mark.parametrize("arguments", [{"city": "Zürich"}, '{"city": "Zürich"}'])
def test_arguments_may_be_an_object_or_its_text(tokenizer: PreTrainedTokenizerFast, arguments: Any) -> None:
    text = rendered(tokenizer, [{"role": "user", "content": "Time?"}, call(arguments)])

    assert '{"name": "get_time", "arguments": {"city": "Zürich"}}' in text


def test_tools_are_listed_in_the_system_message(tokenizer: PreTrainedTokenizerFast) -> None:
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Time?"}]
    text = rendered(tokenizer, messages, tools=[TOOL])

    assert text.startswith(
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe kind.\n\nYou may"
    )
    assert '<tools>\n{"type": "function", "function": {"name": "get_time"' in text
    assert text.count("<|start_header_id|>system") == 1


def test_tool_results_have_their_own_role(tokenizer: PreTrainedTokenizerFast) -> None:
    messages = [{"role": "user", "content": "Time?"}, call({}), {"role": "tool", "content": "12:00"}]
    text = rendered(tokenizer, messages)

    assert text.endswith(
        "<|start_header_id|>tool<|end_header_id|>\n\n<tool_response>\n12:00\n</tool_response><|eot_id|>"
    )


def test_skipping_special_tokens_keeps_tool_calls(tokenizer: PreTrainedTokenizerFast) -> None:
    ids = tokenizer.encode("<tool_call>{}</tool_call><|eot_id|>", add_special_tokens=False)

    assert tokenizer.decode(ids, skip_special_tokens=True) == "<tool_call>{}</tool_call>"


def test_a_header_is_four_tokens(tokenizer: PreTrainedTokenizerFast) -> None:
    for role in ("system", "user", "assistant", "tool"):
        ids = tokenizer.encode(f"<|start_header_id|>{role}<|end_header_id|>\n\n", add_special_tokens=False)
        assert len(ids) == 4


def test_plain_text_begins_with_the_begin_token(tokenizer: PreTrainedTokenizerFast) -> None:
    assert tokenizer("Hello").input_ids[0] == tokenizer.bos_token_id
