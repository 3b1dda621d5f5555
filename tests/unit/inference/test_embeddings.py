"""How near two vectors are, and the form without a target: OpenAI's, which the contract does not know."""

import orjson
import pytest

from embassy.inference.embeddings import cosine, for_engine, listing, read
from embassy.platform.errors import InvalidInput
from tests.factories.routes import make_base_route


def test_the_cosine_knows_no_lengths() -> None:
    assert cosine([1.0, 0.0], [5.0, 0.0]) == 1
    assert cosine([3.0, 4.0], [-3.0, -4.0]) == pytest.approx(-1)
    assert cosine([1.0, 0.0], [0.0, 2.0]) == 0


def test_a_vector_without_direction_is_like_nothing() -> None:
    assert cosine([0.0, 0.0], [1.0, 0.0]) == 0


@pytest.mark.parametrize("given", ["one", ["one"], ["one", "two"]])
def test_without_a_target_a_text_or_a_list_is_asked(given: str | list[str]) -> None:
    request = read({"model": "minilm", "input": given, "encoding_format": "base64"})

    sent = orjson.loads(for_engine(request, make_base_route(), 1))

    assert not request.is_comparison
    assert sent["input"] == ([given] if isinstance(given, str) else given)
    assert sent["encoding_format"] == "base64"


def test_without_a_target_vectors_are_listed_as_the_engine_encoded_them() -> None:
    answer = {
        "object": "list",
        "model": "base",
        "data": [{"index": 0, "embedding": [0.6, 0.8]}, {"index": 1, "embedding": "AAAA"}],
        "usage": {"prompt_tokens": 6, "total_tokens": 6, "completion_tokens": 0},
    }

    assert listing(answer, "minilm") == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [0.6, 0.8]},
            {"object": "embedding", "index": 1, "embedding": "AAAA"},
        ],
        "model": "minilm",
        "usage": {"prompt_tokens": 6, "total_tokens": 6},
    }


@pytest.mark.parametrize("given", [[1, 2, 3], [[1, 2], [3]]])
def test_token_ids_are_texts_too(given: list[object]) -> None:
    request = read({"model": "minilm", "input": given})
    assert request.texts == (given if isinstance(given[0], list) else [given])


def test_dimensions_are_the_engines_affair() -> None:
    request = read({"model": "minilm", "input": "x", "dimensions": 64})
    assert orjson.loads(for_engine(request, make_base_route(), 1))["dimensions"] == 64
    assert "dimensions" not in orjson.loads(
        for_engine(read({"model": "m", "input": "x"}), make_base_route(), 1)
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"input": None}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": ["a", 1]}, "input"),
        ({"input": [1, "a"]}, "input"),
        ({"input": [[1], []]}, "input"),
        ({"input": [-1]}, "input"),
        ({"input": ["a"] * 257}, "input"),
        ({"input": {"text": "a"}}, "input"),
        ({"input": ["a"], "target": "b"}, "input"),
        ({"target": ""}, "target"),
        ({"target": ["b"]}, "target"),
        ({"cosine": "yes"}, "cosine"),
        ({"manhattan": 1}, "manhattan"),
        ({"euclidean": []}, "euclidean"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": "64"}, "dimensions"),
        ({"model": 7}, "model"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput, match=f"`{field}`"):
        read({"model": "minilm", "input": "a"} | change)
