"""The chat template, and the same rendering in Python with a loss weight per piece.

Training renders a hundred thousand documents, for which Jinja is too slow; a test proves that both agree.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from recipes.tiny_llama.document import Document, Message

TEMPLATE = Path(__file__).with_name("chat_template.jinja").read_text()
BOS, END, EOT = "<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"
LEARNT, CONTEXT = 1.0, 0.1
"""Loss weights: what the assistant says and plain text, and everything else."""

Piece = tuple[str, float]


def _header(role: str) -> str:
    return f"<|start_header_id|>{role}<|end_header_id|>\n\n"


def _system(document: Document, content: str) -> str:
    if not document.tools:
        return content
    lines = [json.dumps(tool, ensure_ascii=False) for tool in document.tools]
    block = "\n".join(["You may call these functions:", "<tools>", *lines, "</tools>"])
    order = "To call one, answer with its name and arguments as JSON inside <tool_call></tool_call>."
    return "\n\n".join(part for part in (content, f"{block}\n{order}") if part)


def _assistant(message: Message) -> str:
    parts = [message["content"].strip()] if message["content"].strip() else []
    for call in message.get("tool_calls", ()):
        function = call["function"]
        body = json.dumps({"name": function["name"], "arguments": function["arguments"]}, ensure_ascii=False)
        parts.append(f"<tool_call>\n{body}\n</tool_call>")
    return "\n".join(parts)


def _turn(message: Message) -> Iterator[Piece]:
    yield _header(message["role"]), CONTEXT
    match message["role"]:
        case "assistant":
            yield _assistant(message) + EOT, LEARNT
        case "tool":
            yield f"<tool_response>\n{message['content'].strip()}\n</tool_response>{EOT}", CONTEXT
        case _:
            yield message["content"].strip() + EOT, CONTEXT


def pieces(document: Document) -> Iterator[Piece]:
    """The document's text in order, cut where the loss weight changes."""
    yield BOS, CONTEXT
    if not document.messages:
        yield document.text + END, LEARNT
        return
    first, *rest = document.messages
    has_system = first["role"] == "system"
    if has_system or document.tools:
        system = _system(document, first["content"].strip() if has_system else "")
        yield _header("system") + system + EOT, CONTEXT
    for message in rest if has_system else document.messages:
        yield from _turn(message)


def render(document: Document) -> str:
    """The whole text of a document."""
    return "".join(text for text, _ in pieces(document))
