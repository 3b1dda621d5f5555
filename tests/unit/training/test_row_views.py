"""What people are shown of a row is what the trainer is given, token by token."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from transformers import AutoTokenizer

from embassy.catalog import weights
from embassy.catalog.selectors import list_base_models
from embassy.datasets.rows import RawRow
from embassy.platform.errors import InvalidInput, NotFound, Unavailable
from embassy.training.examples.chat import IGNORED, tokenize_rows
from embassy.training.examples.heads import tokenize_prompts
from embassy.training.examples.preferences import tokenize_preferences
from embassy.training.row_views.reader import Reader, Reading, make_reader, readers_models
from embassy.training.row_views.rendered import rendered_rows
from embassy.training.row_views.tokens import TokenRow, token_rows

TINY = "tiny-llama-instruct"
SHIPPED = Path(settings.BASE_DIR) / "models" / TINY


def said(role: str, content: str, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


CONVERSATIONS: list[RawRow] = [
    {"line": 1, "messages": [said("user", "What is 1 + 1?"), said("assistant", "2")]},
    {
        "line": 2,
        "messages": [
            said("system", "Be brief. é漢字🙂"),
            said("user", "Hi"),
            said("assistant", "Hello\nthere", weight=0),
            said("user", "Bye"),
            said("assistant", "So long " * 30),
        ],
    },
    {"line": 3, "messages": [said("user", "word " * 200), said("assistant", "cut off")]},
]
PREFERENCES: list[RawRow] = [
    {
        "line": 4,
        "messages": [said("user", "Be nice")],
        "chosen": [said("assistant", "Of course")],
        "rejected": [said("assistant", "Of no use, " * 40)],
    }
]
PAIRS: list[RawRow] = [{"line": 5, "text1": "a small cat", "text2": "word " * 100, "score": 0.5}]


@pytest.fixture(scope="module")
def trainers() -> Any:
    """The tokenizer that the trainer loads."""
    return AutoTokenizer.from_pretrained(SHIPPED)


def reader(reading: Reading, max_length: int = 64) -> Reader:
    return make_reader(TINY, reading, max_length)


def ids(row: TokenRow, place: int = 0) -> list[int]:
    return [token.id for token in row.sequences[place].tokens]


def learned(row: TokenRow, place: int = 0) -> list[int]:
    return [token.id for token in row.sequences[place].tokens if token.is_learned]


@pytest.mark.parametrize("max_length", [16, 64, 512])
def test_answers_as_the_trainer_learns_them(trainers: Any, max_length: int) -> None:
    shown = token_rows(reader(Reading.ANSWERS, max_length), CONVERSATIONS)
    examples = list(tokenize_rows(trainers, CONVERSATIONS, max_length))
    for row, example in zip(shown, examples, strict=True):
        assert ids(row) == example.ids.tolist()
        assert learned(row) == [label for label in example.labels.tolist() if label != IGNORED]
        assert (row.full_length, row.is_cut) == (example.full_length, example.truncated)
        assert bool(row.problem) == bool(example.problem)


def test_preferences_as_the_trainer_learns_them(trainers: Any) -> None:
    [row] = token_rows(reader(Reading.PREFERENCE), PREFERENCES)
    [example] = tokenize_preferences(trainers, PREFERENCES, 64)
    assert [one.name for one in row.sequences] == ["prompt", "chosen", "rejected"]
    assert [ids(row, place) for place in range(3)] == [
        example.prompt.tolist(),
        example.chosen.tolist(),
        example.rejected.tolist(),
    ]
    assert not learned(row, 0)
    assert learned(row, 1) == ids(row, 1)


def test_prompts_as_a_head_reads_them(trainers: Any) -> None:
    shown = token_rows(reader(Reading.HEAD), CONVERSATIONS)
    examples = tokenize_prompts(trainers, CONVERSATIONS, 64, lambda answer: None)
    for row, example in zip(shown, examples, strict=True):
        assert ids(row) == example.ids.tolist()
        assert (row.target, learned(row)) == (example.answer, [])


@pytest.mark.parametrize("max_length", [16, 512])
def test_pairs_as_an_embedding_reads_them(max_length: int) -> None:
    [model, *_] = readers_models(Reading.PAIR)
    theirs = AutoTokenizer.from_pretrained(weights.locate(model.name))
    [row] = token_rows(make_reader(model.name, Reading.PAIR, max_length), PAIRS)
    texts = [PAIRS[0]["text1"], PAIRS[0]["text2"]]
    longest = min(max_length, model.context_length)
    assert [ids(row, 0), ids(row, 1)] == theirs(texts, truncation=True, max_length=longest)["input_ids"]
    assert (row.target, row.is_cut) == ("0.5", max_length == 16)


def test_the_texts_of_tokens_make_the_rendered_text() -> None:
    [row] = token_rows(reader(Reading.ANSWERS, 512), CONVERSATIONS[:1])
    [rendered] = rendered_rows(reader(Reading.ANSWERS), CONVERSATIONS[:1])
    [(_, pieces)] = rendered.texts
    assert "".join(token.text for token in row.sequences[0].tokens) == "".join(piece.text for piece in pieces)
    answer = "".join(token.text for token in row.sequences[0].tokens if token.is_learned)
    assert answer == "".join(piece.text for piece in pieces if piece.is_learned)
    assert any(token.is_special for token in row.sequences[0].tokens)


def test_a_tokenizer_is_read_once() -> None:
    assert reader(Reading.ANSWERS).tokenizer is reader(Reading.HEAD).tokenizer


def test_models_that_can_read_such_rows() -> None:
    assert TINY in [model.name for model in readers_models(Reading.ANSWERS)]
    assert TINY not in [model.name for model in readers_models(Reading.PAIR)]


def test_models_that_cannot() -> None:
    with pytest.raises(NotFound):
        make_reader("unknown", Reading.ANSWERS)
    here = {model.name for model in readers_models(Reading.ANSWERS)}
    absent = next(model.name for model in list_base_models() if model.name not in here)
    with pytest.raises((Unavailable, InvalidInput)):
        make_reader(absent, Reading.ANSWERS)
