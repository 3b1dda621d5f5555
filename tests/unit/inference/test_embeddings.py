"""How near two vectors are, and the form without a target: OpenAI's, which the contract does not know."""

import orjson
import pytest

from embassy.inference.embeddings import cosine, for_engine, listing, read
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
