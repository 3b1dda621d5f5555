"""Lists of messages: who says what, in the form that chat templates take."""

from typing import Any

from embassy.datasets.validation.fields import BadRow, Values, checked_length, checked_text, required
from embassy.datasets.validation.report import kind_of

Message = dict[str, Any]

ROLES = ("system", "user", "assistant", "tool")
# Kept as they are. `weight` 0 tells that an answer is not to be learned.
PASSED_ON = ("name", "tool_calls", "tool_call_id", "weight")


def read_messages(value: Any, path: str) -> list[Message]:
    """Each message checked; raises BadRow."""
    if not isinstance(value, list):
        raise BadRow("wrong_type", f"it is {kind_of(value)}", "A list of messages is wanted.", path, value)
    if not value:
        raise BadRow("empty_field", "the list is empty", "Give it messages, or remove the row.", path)
    return [_message(item, f"{path}[{index}]") for index, item in enumerate(value)]


def read_conversation(values: Values) -> dict[str, Any]:
    """A row of the form `messages`: there is an answer, and something before it."""
    messages = read_messages(required(values, "messages"), "messages")
    check_conversation(messages, "messages")
    return {"messages": messages} | tools_of(values)


def check_conversation(messages: list[Message], path: str) -> None:
    """Raises BadRow unless an assistant's message follows another message."""
    answers = [index for index, message in enumerate(messages) if message["role"] == "assistant"]
    if not answers:
        wanted = "Give the conversation an answer to learn: a message of the role assistant."
        raise BadRow("no_assistant_turn", "no message is from the assistant", wanted, path)
    if answers[-1] == 0:
        raise BadRow("missing_prompt", "the answer has no question", "Put a user's message first.", path)


def tools_of(values: Values) -> Message:
    """The functions that the assistant may call, if the row lists any."""
    tools = values.get("tools")
    if tools is None:
        return {}
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise BadRow(
            "wrong_type", f"it is {kind_of(tools)}", "A list of functions is wanted.", "tools", tools
        )
    return {"tools": tools}


def _message(item: Any, path: str) -> Message:
    if not isinstance(item, dict):
        raise BadRow(
            "wrong_type", f"it is {kind_of(item)}", "An object with role and content is wanted.", path, item
        )
    role = required(item, "role", f"{path}.role")
    if role not in ROLES:
        wanted = f"The roles are {', '.join(ROLES)}."
        raise BadRow("unknown_role", "nobody has this role", wanted, f"{path}.role", role)
    calls = _tool_calls(item, path)
    content = _content(item, role, may_be_empty=bool(calls) or role == "tool", path=f"{path}.content")
    passed_on = {name: item[name] for name in PASSED_ON if item.get(name) is not None}
    return {"role": role, "content": content} | passed_on


def _content(item: dict[str, Any], role: str, *, may_be_empty: bool, path: str) -> str:
    content = item.get("content")
    if may_be_empty and content is None:
        return ""
    content = required(item, "content", path)
    if may_be_empty and isinstance(content, str):
        return checked_length(content, path)
    return checked_text(content, path)


def _tool_calls(item: dict[str, Any], path: str) -> list[Any]:
    calls = item.get("tool_calls")
    if calls is None:
        return []
    if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
        wanted = "A list of calls is wanted."
        raise BadRow("wrong_type", f"it is {kind_of(calls)}", wanted, f"{path}.tool_calls", calls)
    return calls
