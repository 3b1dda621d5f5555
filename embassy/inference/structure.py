"""What an answer must look like: every way in which clients say it, brought into the engine's own.

OpenAI's clients give `response_format`, vLLM's `structured_outputs`, older ones of vLLM `guided_json` and
its like, which newer engines pass over in silence.
"""

from typing import Any

import orjson

from embassy.inference import fields
from embassy.platform.errors import InvalidInput

# Compiling any of these holds up an engine for all who use it, so none may be huge: choices of half a
# megabyte took 43 seconds, a schema of 110 KB 16.
MAX_SCHEMA_BYTES = 32 * 1024
MAX_GRAMMAR = 16_000  # characters
MAX_REGEX = 4_000
MAX_CHOICES = 500
MAX_CHOICE_TEXT = 16_000  # of all choices together

OPENAI_FORMATS = ("text", "json_object", "json_schema")


def schema(name: str, value: Any) -> Any:
    """A JSON schema, as an object or as its text."""
    if isinstance(value, str):
        value = _parsed(name, value)
    described = fields.mapping(name, value)
    if len(orjson.dumps(described)) > MAX_SCHEMA_BYTES:
        raise fields.wrong(name, f"at most {MAX_SCHEMA_BYTES} bytes long")
    if described.get("$ref") == "#":
        raise fields.wrong(name, "a schema that says more than that it is itself")
    return described


def regex(name: str, value: Any) -> Any:
    return _short(name, value, MAX_REGEX)


def grammar(name: str, value: Any) -> Any:
    """In EBNF, with a rule called root."""
    return _short(name, value, MAX_GRAMMAR)


def choice(name: str, value: Any) -> Any:
    choices = fields.listed(name, value, most=MAX_CHOICES)
    if not all(isinstance(entry, str) and entry for entry in choices):
        raise fields.wrong(name, "a list of strings, none of them empty")
    if sum(map(len, choices)) > MAX_CHOICE_TEXT:
        raise fields.wrong(name, f"at most {MAX_CHOICE_TEXT} characters long in all")
    return choices


def yes(name: str, value: Any) -> Any:
    if value is not True:
        raise fields.wrong(name, "true")
    return value


CONSTRAINTS: fields.Table = {
    "json": schema,
    "regex": regex,
    "choice": choice,
    "grammar": grammar,
    "json_object": yes,
}
# The types of `response_format` that are ours, and under which names they have what they ask for.
EXTRA_FORMATS = {
    "regex": ("regex", "pattern"),
    "grammar": ("grammar", "definition"),
    "choice": ("choice", "choices"),
}
FORMATS = (*OPENAI_FORMATS, *EXTRA_FORMATS)


def structured_outputs(name: str, value: Any) -> dict[str, Any]:
    given = fields.mapping(name, value)
    asked = {key: held for key, held in given.items() if held is not None and key in CONSTRAINTS}
    if len(asked) != 1:
        raise fields.wrong(name, "an object with one of " + ", ".join(CONSTRAINTS))
    return {key: CONSTRAINTS[key](f"{name}.{key}", held) for key, held in asked.items()}


def response_format(name: str, value: Any) -> dict[str, Any]:
    """As the engine takes it; types of ours come back as `structured_outputs` would be."""
    given = fields.mapping(name, value)
    kind = fields.one_of(*FORMATS)(f"{name}.type", given.get("type"))
    if kind in EXTRA_FORMATS:
        return _extra_format(name, kind, given)
    if kind != "json_schema":
        return {"type": kind}
    described = fields.mapping(f"{name}.json_schema", given.get("json_schema"))
    asked = fields.required(described, "schema", lambda _, held: schema(f"{name}.json_schema.schema", held))
    return {"type": kind, "json_schema": {"name": str(described.get("name") or "answer"), "schema": asked}}


STRUCTURE: fields.Table = {
    "response_format": response_format,
    "structured_outputs": structured_outputs,
    "guided_json": lambda name, value: {"json": schema(name, value)},
    "guided_regex": lambda name, value: {"regex": regex(name, value)},
    "guided_choice": lambda name, value: {"choice": choice(name, value)},
    "guided_grammar": lambda name, value: {"grammar": grammar(name, value)},
}


def settled(options: dict[str, Any]) -> dict[str, Any]:
    """The same options with at most one form, under the engine's name. Raises InvalidInput for more."""
    asked = {name: held for name, held in options.items() if name in STRUCTURE and held != {"type": "text"}}
    if len(asked) > 1:
        raise InvalidInput(
            f"{' and '.join(f'`{name}`' for name in asked)} say twice what the answer must look like."
            " Give one of them.",
            details={"field": list(asked)[-1]},
        )
    rest = {name: held for name, held in options.items() if name not in STRUCTURE}
    for form in asked.values():
        rest["response_format" if "type" in form else "structured_outputs"] = form
    return rest


def _extra_format(name: str, kind: str, given: dict[str, Any]) -> dict[str, Any]:
    for key in EXTRA_FORMATS[kind]:
        if given.get(key) is not None:
            return {kind: CONSTRAINTS[kind](f"{name}.{key}", given[key])}
    raise fields.missing(f"{name}.{kind}")


def _short(name: str, value: Any, most: int) -> str:
    text: str = fields.string(name, value)
    if len(text) > most:
        raise fields.wrong(name, f"at most {most} characters long")
    return text


def _parsed(name: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise fields.wrong(name, "a JSON schema") from None
