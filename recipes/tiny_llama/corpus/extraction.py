"""Pulls named values out of a sentence, as text or as JSON."""

import json
from collections.abc import Callable
from random import Random

from recipes.tiny_llama import words
from recipes.tiny_llama.document import Document, chat

_MAKERS: dict[str, Callable[[Random], str]] = {
    "name": words.full_name,
    "email": words.email,
    "date": words.day_of_year,
    "price": words.price,
    "time": words.clock,
    "city": lambda rng: rng.choice(words.CITIES),
    "code": words.code,
    "product": lambda rng: f"{rng.choice(words.ADJECTIVES)} {rng.choice(words.OBJECTS)}",
    "job": lambda rng: rng.choice(words.JOBS),
    "phone": lambda rng: f"{rng.randint(100, 999)}-{rng.randint(1000, 9999)}",
}
_SENTENCES = (
    "{name} from {city} bought a {product} for {price}.",
    "Please send the {product} to {name} in {city} before {date}.",
    "The meeting with {name} is on {date} at {time}.",
    "{name} works as a {job} in {city}. You can write to {email}.",
    "Hello, my name is {name} and my order is {code}. My number is {phone}.",
    "Order {code}: one {product}, {price}, paid on {date}.",
    "On {date} {name} lost a {product} near the station of {city}.",
    "Your ticket {code} is booked. The train to {city} leaves at {time}.",
    "Call {name} at {phone} or write to {email}.",
    "Dear {name}, thank you for your order {code}. It was sent to {city} on {date}.",
    "The {job} {name} asked for a {product} and paid {price} at {time}.",
    "Reference {code}, contact {email}, amount {price}.",
)
_ASK_ONE = (
    "{text}\nWhat is the {field}?",
    "Extract the {field}: {text}",
    "{text}\n\nWrite only the {field}.",
    "Find the {field} in this text.\n{text}",
    "Text: {text}\nField: {field}",
)
_ASK_JSON = (
    "Extract {fields} as JSON.\n{text}",
    "{text}\nReturn a JSON object with {fields}.",
    "Text: {text}\nKeys: {fields}\nJSON:",
)


def _sentence(rng: Random) -> tuple[str, dict[str, str]]:
    pattern = rng.choice(_SENTENCES)
    values = {field: make_value(rng) for field, make_value in _MAKERS.items() if "{" + field + "}" in pattern}
    return pattern.format(**values), values


def make_text(rng: Random) -> Document:
    """One field, answered by its value alone."""
    text, values = _sentence(rng)
    field = rng.choice(sorted(values))
    return chat(rng.choice(_ASK_ONE).format(text=text, field=field), values[field])


def make_json(rng: Random) -> Document:
    """One to three fields, answered by a JSON object in the order asked for."""
    text, values = _sentence(rng)
    fields = rng.sample(sorted(values), rng.randint(1, min(3, len(values))))
    question = rng.choice(_ASK_JSON).format(text=text, fields=", ".join(fields))
    return chat(question, json.dumps({field: values[field] for field in fields}, ensure_ascii=False))
