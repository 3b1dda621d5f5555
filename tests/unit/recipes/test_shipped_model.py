"""The shipped model is the one that its checksums and its card name."""

import hashlib
import json

import pytest

from recipes.tiny_llama.checksum import SUMS, sums
from tests.unit.recipes.shipped import MODEL


def test_checksums_match_the_files() -> None:
    assert (MODEL / SUMS).read_text() == sums(MODEL)


def test_card_names_the_weights() -> None:
    digest = hashlib.sha256((MODEL / "model.safetensors").read_bytes()).hexdigest()

    assert digest in (MODEL / "README.md").read_text()


def test_weights_are_small() -> None:
    assert (MODEL / "model.safetensors").stat().st_size < 15_000_000


@pytest.mark.parametrize(
    ("key", "value"), [("model_type", "llama"), ("dtype", "bfloat16"), ("vocab_size", 2048)]
)
def test_configuration(key: str, value: object) -> None:
    assert json.loads((MODEL / "config.json").read_text())[key] == value


def test_generation_stops_at_the_end_of_a_turn() -> None:
    tokens = {
        token["content"]: token["id"]
        for token in json.loads((MODEL / "tokenizer.json").read_text())["added_tokens"]
    }
    settings = json.loads((MODEL / "generation_config.json").read_text())

    assert settings["eos_token_id"] == [tokens["<|eot_id|>"], tokens["<|end_of_text|>"]]
    assert settings["pad_token_id"] == tokens["<|pad|>"]
