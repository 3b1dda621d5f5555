"""Calls one of the tools offered, or answers from a tool's result."""

from collections.abc import Mapping
from random import Random
from typing import Any

from recipes.tiny_llama import words
from recipes.tiny_llama.document import Document, Message


def _tool(name: str, description: str, **parameters: str) -> Mapping[str, Any]:
    properties = {key: {"type": kind} for key, kind in parameters.items()}
    schema = {"type": "object", "properties": properties, "required": list(parameters)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}


def _city(rng: Random) -> str:
    return rng.choice(words.CITIES)


_TOOLS = {
    "get_weather": _tool("get_weather", "Current weather of a city", city="string"),
    "get_time": _tool("get_time", "Local time of a city", city="string"),
    "get_order": _tool("get_order", "Status of an order", order="string"),
    "send_mail": _tool("send_mail", "Send an e-mail", to="string"),
    "add": _tool("add", "Add two numbers", a="integer", b="integer"),
    "search": _tool("search", "Search the shop", query="string"),
}
_ASK = {
    "get_weather": ("What is the weather in {city}?", "Will it rain in {city}?", "How warm is it in {city}?"),
    "get_time": ("What time is it in {city}?", "Tell me the time in {city}."),
    "get_order": ("Where is my order {order}?", "Check order {order}.", "Status of {order}?"),
    "send_mail": ("Send a mail to {to}.", "Write to {to} for me."),
    "add": ("Add {a} and {b}.", "What is {a} plus {b}?"),
    "search": ("Find a {query}.", "I am looking for a {query}.", "Do you sell a {query}?"),
}


def _arguments(name: str, rng: Random) -> dict[str, Any]:
    match name:
        case "get_weather" | "get_time":
            return {"city": _city(rng)}
        case "get_order":
            return {"order": words.code(rng)}
        case "send_mail":
            return {"to": words.email(rng)}
        case "add":
            return {"a": rng.randrange(100), "b": rng.randrange(100)}
        case _:
            return {"query": f"{rng.choice(words.COLOURS)} {rng.choice(words.OBJECTS)}"}


def _result(name: str, arguments: Mapping[str, Any], rng: Random) -> tuple[str, str]:
    match name:
        case "get_weather":
            degrees = rng.randint(-9, 39)
            return f'{{"degrees": {degrees}}}', f"It is {degrees} degrees in {arguments['city']}."
        case "get_time":
            time = words.clock(rng)
            return f'{{"time": "{time}"}}', f"It is {time} in {arguments['city']}."
        case "get_order":
            state = rng.choice(("sent", "delivered", "waiting", "cancelled"))
            return f'{{"status": "{state}"}}', f"Your order {arguments['order']} is {state}."
        case "add":
            total = arguments["a"] + arguments["b"]
            return str(total), f"The result is {total}."
        case "send_mail":
            return '{"ok": true}', "The mail was sent."
        case _:
            price = words.price(rng)
            return f'{{"price": "{price}"}}', f"We have it for {price}."


def make(rng: Random) -> Document:
    """A question that one of one to three tools answers; a third go on to the result."""
    offered = rng.sample(sorted(_TOOLS), rng.choice((1, 1, 2, 2, 3)))
    name = rng.choice(offered)
    arguments = _arguments(name, rng)
    call = {"type": "function", "function": {"name": name, "arguments": arguments}}
    messages: list[Message] = [
        {"role": "user", "content": rng.choice(_ASK[name]).format(**arguments)},
        {"role": "assistant", "content": "", "tool_calls": [call]},
    ]
    if rng.random() < 0.33:
        result, answer = _result(name, arguments, rng)
        messages += [{"role": "tool", "content": result}, {"role": "assistant", "content": answer}]
    return Document(messages=tuple(messages), tools=tuple(_TOOLS[tool] for tool in offered))
