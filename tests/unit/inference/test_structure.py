"""The ways in which clients say what an answer must look like, and the one that the engine hears."""

from typing import Any

import orjson
import pytest

from embassy.inference import protocol, structure
from embassy.platform.errors import InvalidInput
from tests.factories.routes import make_base_route

CHAT: dict[str, Any] = {"model": "tiny", "messages": [{"role": "user", "content": "Hello"}]}
PROMPT: dict[str, Any] = {"model": "tiny", "prompt": "Hello"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}

Reader = Any
BOTH = pytest.mark.parametrize(
    ("read", "body"), [(protocol.completion, PROMPT), (protocol.chat, CHAT)], ids=["prompt", "chat"]
)


def sent(read: Reader, body: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = orjson.loads(protocol.for_engine(read(body), make_base_route(1), 5))
    return {name: told[name] for name in told if name in ("response_format", "structured_outputs")}


@BOTH
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"guided_regex": "a+"}, {"regex": "a+"}),
        ({"guided_choice": ["yes", "no"]}, {"choice": ["yes", "no"]}),
        ({"guided_json": SCHEMA}, {"json": SCHEMA}),
        ({"guided_json": orjson.dumps(SCHEMA).decode()}, {"json": SCHEMA}),
        ({"guided_grammar": 'root ::= "a"'}, {"grammar": 'root ::= "a"'}),
        ({"structured_outputs": {"regex": "a+"}}, {"regex": "a+"}),
        ({"structured_outputs": {"choice": ["a"]}}, {"choice": ["a"]}),
        ({"structured_outputs": {"json": SCHEMA, "regex": None}}, {"json": SCHEMA}),
        ({"structured_outputs": {"grammar": "root ::= [0-9]+"}}, {"grammar": "root ::= [0-9]+"}),
        ({"structured_outputs": {"json_object": True}}, {"json_object": True}),
        ({"structured_outputs": {"regex": "a", "whitespace_pattern": " *"}}, {"regex": "a"}),
        ({"response_format": {"type": "regex", "regex": "a+"}}, {"regex": "a+"}),
        ({"response_format": {"type": "regex", "pattern": "a+"}}, {"regex": "a+"}),
        ({"response_format": {"type": "grammar", "grammar": 'root ::= "a"'}}, {"grammar": 'root ::= "a"'}),
        ({"response_format": {"type": "choice", "choice": ["a", "b"]}}, {"choice": ["a", "b"]}),
        ({"response_format": {"type": "text"}, "guided_regex": "a+"}, {"regex": "a+"}),
    ],
)
def test_all_words_for_it_come_to_one(
    read: Reader, body: dict[str, Any], asked: dict[str, Any], told: dict[str, Any]
) -> None:
    assert sent(read, body | asked) == {"structured_outputs": told}


@BOTH
def test_openais_formats_go_as_they_are(read: Reader, body: dict[str, Any]) -> None:
    named = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
    strict = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA, "strict": True}}
    for asked, told in [
        (named, named),
        (strict, named),
        (
            {"type": "json_schema", "json_schema": {"schema": SCHEMA}},
            named | {"json_schema": {"name": "answer", "schema": SCHEMA}},
        ),
        ({"type": "json_object"}, {"type": "json_object"}),
    ]:
        assert sent(read, body | {"response_format": asked}) == {"response_format": told}
    assert sent(read, body | {"response_format": {"type": "text"}}) == {}
    assert sent(read, body | {"response_format": None, "guided_json": None}) == {}


@BOTH
@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"guided_regex": 5}, "guided_regex"),
        ({"guided_regex": ""}, "guided_regex"),
        ({"guided_regex": "a" * (structure.MAX_REGEX + 1)}, "guided_regex"),
        ({"guided_choice": "yes"}, "guided_choice"),
        ({"guided_choice": []}, "guided_choice"),
        ({"guided_choice": ["a", 1]}, "guided_choice"),
        ({"guided_choice": ["a"] * (structure.MAX_CHOICES + 1)}, "guided_choice"),
        ({"guided_choice": ["a" * structure.MAX_CHOICE_TEXT, "b"]}, "guided_choice"),
        ({"guided_json": {"$ref": "#"}}, "guided_json"),
        ({"guided_json": "{"}, "guided_json"),
        ({"guided_json": []}, "guided_json"),
        ({"guided_json": {"x": "a" * structure.MAX_SCHEMA_BYTES}}, "guided_json"),
        ({"guided_grammar": {}}, "guided_grammar"),
        ({"guided_grammar": "a" * (structure.MAX_GRAMMAR + 1)}, "guided_grammar"),
        ({"structured_outputs": "json"}, "structured_outputs"),
        ({"structured_outputs": {}}, "structured_outputs"),
        ({"structured_outputs": {"regex": "a", "choice": ["a"]}}, "structured_outputs"),
        ({"structured_outputs": {"regex": 1}}, "structured_outputs.regex"),
        ({"structured_outputs": {"json_object": False}}, "structured_outputs.json_object"),
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {}}, "response_format.type"),
        ({"response_format": {"type": "regex"}}, "response_format.regex"),
        ({"response_format": {"type": "regex", "pattern": 1}}, "response_format.pattern"),
        ({"response_format": {"type": "choice", "choice": []}}, "response_format.choice"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": []}}},
            "response_format.json_schema.schema",
        ),
    ],
)
def test_what_cannot_be_is_told_by_its_name(
    read: Reader, body: dict[str, Any], asked: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput, match=f"`{field}`"):
        read(body | asked)


@BOTH
def test_two_forms_for_one_answer_are_refused(read: Reader, body: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="say twice"):
        read(body | {"guided_regex": "a", "response_format": {"type": "json_object"}})
