"""What a request asked and what it was answered, in words. Pure; requests may be wrong in any way."""

from typing import Any

import orjson

Json = dict[str, Any]

CHAT, COMPLETIONS, CLASSIFICATION, REGRESSION = (
    "chat.completions",
    "completions",
    "classification",
    "regression",
)


def input_of(endpoint: str, request: Json) -> str:
    """The last message of the user, the prompt, or the text to judge."""
    if endpoint == CHAT:
        return _last_of_user(request.get("messages"))
    value = request.get("prompt" if endpoint == COMPLETIONS else "input")
    return value if isinstance(value, str) else "" if value is None else orjson.dumps(value).decode()


def output_of(endpoint: str, response: Json | None) -> str:
    """The first answer, or the error's sentence."""
    if not response:
        return ""
    if error := response.get("error"):
        return str(error.get("error", "") if isinstance(error, dict) else error)
    if endpoint == CLASSIFICATION:
        return label_of(response) or ""
    if endpoint == REGRESSION:
        value = value_of(response)
        return "" if value is None else f"{value:g}"
    choices = response.get("choices") or [{}]
    return answer_of(choices[0])


def answer_of(choice: Json) -> str:
    """The text of a choice; of one that is nothing but calls, those as JSON."""
    message = choice.get("message")
    if message is None:
        return str(choice.get("text") or "")
    if not message.get("content") and message.get("tool_calls"):
        return orjson.dumps(message["tool_calls"]).decode()
    return str(message.get("content") or "")


def label_of(response: Json) -> str | None:
    """The label that the text has most of."""
    entry = (response.get("data") or [{}])[0]
    scores: dict[str, float] = entry.get("probs") or entry.get("logits") or {}
    return max(scores, key=lambda label: scores[label]) if scores else None


def value_of(response: Json) -> float | None:
    value = (response.get("data") or [{}])[0].get("value")
    return None if value is None else float(value)


def content_of(message: Json) -> str | None:
    """A message's content as one text, its parts joined; None if that is not all it is."""
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else None for part in content]
        texts = [part for part in parts if isinstance(part, str)]
        return "".join(texts) if len(texts) == len(parts) else None
    return content if isinstance(content, str) else None


def shortened(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1] + "…"


def _last_of_user(messages: Any) -> str:
    if not isinstance(messages, list):
        return ""
    asked = [message for message in messages if isinstance(message, dict) and message.get("role") == "user"]
    return (content_of(asked[-1]) or "") if asked else ""
