"""Chat messages, tools and answer formats of a request, rebuilt from what is allowed in each."""

from typing import Any

from embassy.inference import fields

ROLES = ("system", "developer", "user", "assistant", "tool")
MAX_MESSAGES = 2_000
MAX_TOOLS = 128

FUNCTION: fields.Table = {
    "name": fields.string,
    "description": lambda name, value: _text(name, value),
    "parameters": fields.mapping,
    "strict": fields.boolean,
}


def messages(name: str, value: Any) -> list[dict[str, Any]]:
    return [
        message(f"{name}.{index}", m) for index, m in enumerate(fields.listed(name, value, most=MAX_MESSAGES))
    ]


def message(name: str, value: Any) -> dict[str, Any]:
    given = fields.mapping(name, value)
    role = given.get("role")
    if role not in ROLES:
        raise fields.wrong(f"{name}.role", "one of " + ", ".join(ROLES))
    rebuilt: dict[str, Any] = {"role": role}
    if calls := given.get("tool_calls"):
        rebuilt["tool_calls"] = tool_calls(f"{name}.tool_calls", calls)
    if (content := given.get("content")) is not None:
        rebuilt["content"] = text_of(f"{name}.content", content)
    elif "tool_calls" not in rebuilt:
        raise fields.missing(f"{name}.content")
    for extra in ("name", "tool_call_id"):
        if (held := given.get(extra)) is not None:
            rebuilt[extra] = fields.string(f"{name}.{extra}", held)
    return rebuilt


def text_of(name: str, value: Any) -> str:
    """Content as one string: parts are joined, as every text-only template does."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise fields.wrong(name, "a string or a list of text parts")
    return "".join(_part(f"{name}.{index}", part) for index, part in enumerate(value))


def tool_calls(name: str, value: Any) -> list[dict[str, Any]]:
    return [
        _tool_call(f"{name}.{i}", call) for i, call in enumerate(fields.listed(name, value, most=MAX_TOOLS))
    ]


def tools(name: str, value: Any) -> list[dict[str, Any]]:
    return [_tool(f"{name}.{i}", tool) for i, tool in enumerate(fields.listed(name, value, most=MAX_TOOLS))]


def tool_choice(name: str, value: Any) -> Any:
    if value in ("none", "auto", "required"):
        return value
    function = fields.mapping(f"{name}.function", fields.mapping(name, value).get("function"))
    return {
        "type": "function",
        "function": {"name": fields.required(function, "name", fields.string)},
    }


def _part(name: str, value: Any) -> str:
    part = fields.mapping(name, value)
    if part.get("type") != "text":
        raise fields.wrong(f"{name}.type", "text: these models read nothing else")
    text = part.get("text")
    if not isinstance(text, str):
        raise fields.wrong(f"{name}.text", "a string")
    return text


def _tool(name: str, value: Any) -> dict[str, Any]:
    given = fields.mapping(name, value)
    if given.get("type") != "function":
        raise fields.wrong(f"{name}.type", "function")
    function = fields.mapping(f"{name}.function", given.get("function"))
    if "name" not in function:
        raise fields.missing(f"{name}.function.name")
    return {"type": "function", "function": fields.chosen(function, FUNCTION)}


def _tool_call(name: str, value: Any) -> dict[str, Any]:
    given = fields.mapping(name, value)
    function = fields.mapping(f"{name}.function", given.get("function"))
    return {
        "id": fields.string(f"{name}.id", given.get("id")),
        "type": "function",
        "function": {
            "name": fields.string(f"{name}.function.name", function.get("name")),
            "arguments": _text(f"{name}.function.arguments", function.get("arguments")),
        },
    }


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise fields.wrong(name, "a string")
    return value
