"""Which checkpoint is the best, and when training may stop."""

from typing import Any

import pytest

from embassy.evaluation.functions import BuiltIn
from embassy.platform.errors import InvalidInput
from embassy.training.selection import Selection, checked


def exact(input_text: str, expected_output: str, predicted_output: str) -> float:
    return float(expected_output == predicted_output)


def error(input_text: str, expected_output: str, predicted_output: str) -> float:
    return abs(float(expected_output) - float(predicted_output))


FUNCTIONS = [BuiltIn(exact), BuiltIn(error, higher_is_better=False)]


def selection(**values: Any) -> Selection:
    return Selection(test_function="exact", **values)


@pytest.mark.parametrize(
    ("scores", "higher", "best"),
    [
        ({1: 0.2, 2: 0.9, 3: 0.5}, True, 2),
        ({3: 0.9, 2: 0.9, 1: 0.1}, True, 2),
        ({1: 0.2, 2: 0.9, 3: 0.2}, False, 1),
        ({4: 0.0}, True, 4),
        ({}, True, None),
    ],
)
def test_best_and_of_equals_the_earliest(scores: dict[int, float], higher: bool, best: int | None) -> None:
    assert selection(higher_is_better=higher).best(scores) == best


@pytest.mark.parametrize(
    ("scores", "patience", "min_delta", "exhausted"),
    [
        ([0.1, 0.2, 0.3], 1, 0.0, False),
        ([0.3, 0.3], 1, 0.0, True),
        ([0.3, 0.2], 2, 0.0, False),
        ([0.3, 0.2, 0.3], 2, 0.0, True),
        ([0.3, 0.2, 0.4, 0.1], 2, 0.0, False),
        ([0.3, 0.2, 0.1, 0.9], 2, 0.0, True),  # what came after it was decided does not change it
        ([0.30, 0.31, 0.32], 2, 0.05, True),
        ([0.30, 0.33, 0.36], 2, 0.05, False),  # slow, but in two steps more than the least
        ([0.5], 1, 0.0, False),
        ([], 1, 0.0, False),
        ([0.5] * 9, None, 0.0, False),
    ],
)
def test_when_patience_runs_out(
    scores: list[float], patience: int | None, min_delta: float, exhausted: bool
) -> None:
    chosen = selection(early_stopping_patience=patience, min_delta=min_delta)

    assert chosen.is_exhausted(dict(enumerate(scores, start=1))) is exhausted


def test_errors_should_fall() -> None:
    chosen = Selection(test_function="error", higher_is_better=False, early_stopping_patience=1)

    assert not chosen.is_exhausted({1: 3.0, 2: 2.0})
    assert chosen.is_exhausted({1: 3.0, 2: 3.5})


def test_the_first_function_selects_and_knows_its_direction() -> None:
    assert checked(None, FUNCTIONS, has_rows=True) == Selection(test_function="exact")
    by_error = checked({"test_function": "error", "keep": "best"}, FUNCTIONS, has_rows=True)
    assert by_error == Selection(test_function="error", higher_is_better=False, keep="best")


def test_of_their_own_functions_users_say_the_direction() -> None:
    chosen = checked({"higher_is_better": False}, FUNCTIONS, has_rows=True)

    assert chosen is not None
    assert not chosen.higher_is_better


def test_nothing_is_selected_where_nothing_is_scored() -> None:
    assert checked(None, FUNCTIONS, has_rows=False) is None
    assert checked({"early_stopping_patience": None}, FUNCTIONS, has_rows=False) is None
    assert checked(None, [], has_rows=True) is None


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (
            {"test_function": "other"},
            "other is none of the job's test functions. Choose one of: exact, error",
        ),
        ({"early_stopping_patience": 0}, "selection.early_stopping_patience: must be a whole number"),
        ({"early_stopping_patience": 1.5}, "selection.early_stopping_patience"),
        ({"early_stopping_patience": True}, "selection.early_stopping_patience"),
        ({"min_delta": -0.1}, "selection.min_delta: must be a number, at least 0"),
        ({"min_delta": float("nan")}, "selection.min_delta"),
        ({"keep": "worst"}, "selection.keep: must be all or best"),
    ],
)
def test_what_is_wrong_is_named(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        checked(asked, FUNCTIONS, has_rows=True)


def test_test_rows_are_needed() -> None:
    with pytest.raises(InvalidInput, match="needs test rows"):
        checked({"early_stopping_patience": 2}, FUNCTIONS, has_rows=False)


def test_jobs_from_before_selections_were_asked_for_have_the_usual_one() -> None:
    frozen = {"test_functions": [{"name": "exact"}, {"name": "error"}]}

    assert Selection.of(frozen) == Selection(test_function="exact")
    assert Selection.of({"test_functions": []}) is None
    chosen = selection(min_delta=0.1)
    assert Selection.of({"selection": chosen.as_dict(), **frozen}) == chosen
