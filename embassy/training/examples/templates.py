"""The chat template: conversations to text, and which parts of the text the assistant says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import jinja2

from embassy.training.examples.errors import Unusable
from embassy.training.examples.jinja import Span, render
from embassy.training.examples.rows import Message
from embassy.training.spec import EndCode

_GENERATION_MARKER = re.compile(r"\{%-?\s*generation\s*-?%\}")
_SENTINEL = "\u27eaprompt\u27eb"


@dataclass(frozen=True)
class Template:
    """The tokenizer's own chat template. Rendering raises Unusable if the template refuses."""

    tokenizer: Any

    def prompt(self, conversation: list[Message], tools: Any = None) -> str:
        """The conversation so far and the beginning of the assistant's next turn."""
        return self._render(conversation, tools, asks=True)[0]

    def text(self, conversation: list[Message], tools: Any = None) -> str:
        return self._render(conversation, tools)[0]

    def spans(self, conversation: list[Message], tools: Any = None) -> tuple[str, list[Span]]:
        """The text, and where each of the assistant's turns is in it."""
        if _GENERATION_MARKER.search(self.tokenizer.chat_template):
            return self._render(conversation, tools, marks_answers=True)
        return self._spans_by_prefix(conversation, tools)

    def format(self) -> dict[str, str]:
        """The text before and after a single user turn that asks for an answer."""
        prefix, found, suffix = self.prompt([{"role": "user", "content": _SENTINEL}]).partition(_SENTINEL)
        if not found:
            raise unusable_template("it does not render the user's text")
        return {"prefix": prefix, "suffix": suffix}

    def _spans_by_prefix(self, conversation: list[Message], tools: Any) -> tuple[str, list[Span]]:
        """From any template: a turn is what it adds to the prompt that comes before it."""
        text, spans = self.text(conversation, tools), []
        for index, message in enumerate(conversation):
            if message["role"] == "assistant":
                prompt, turn = (
                    self.prompt(conversation[:index], tools),
                    self.text(conversation[: index + 1], tools),
                )
                if not (turn.startswith(prompt) and text.startswith(turn)):
                    raise unusable_template(
                        "it has no generation markers and renders earlier turns differently"
                    )
                spans.append((len(prompt), len(turn)))
        return text, spans

    def _render(
        self, conversation: list[Message], tools: Any, *, asks: bool = False, marks_answers: bool = False
    ) -> tuple[str, list[Span]]:
        variables = {
            **self.tokenizer.special_tokens_map,
            "messages": conversation,
            "tools": tools,
            "documents": None,
            "add_generation_prompt": asks,
        }
        try:
            return render(self.tokenizer.chat_template, variables, marks_answers=marks_answers)
        except (jinja2.TemplateError, TypeError) as error:
            raise unusable_template(f"it refused a conversation ({error})") from None


def unusable_template(problem: str) -> Unusable:
    return Unusable(
        EndCode.CHAT_TEMPLATE_UNUSABLE, f"The chat template cannot be used: {problem}. Give another template."
    )
