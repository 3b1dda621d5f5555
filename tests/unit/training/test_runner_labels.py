"""Labels from answers, their weights and their scores."""

import numpy as np
import pytest

from embassy.training.runner.labels import Labels, class_weights, one_hot, parse, positive_weights, scores


@pytest.mark.parametrize(
    ("answer", "multi", "expected"),
    [
        (" red ", False, {"red": True}),
        ("  ", False, None),
        ('{"a": 1, "b": 0}', True, {"a": True, "b": False}),
        ('{"a": true}', True, {"a": True}),
        ('["a", "b"]', True, {"a": True, "b": True}),
        ("[]", True, {}),
        ("{}", True, None),
        ('{"a": 2}', True, None),
        ("red", True, None),
        ("7", True, None),
    ],
)
def test_parse(answer: str, multi: bool, expected: dict[str, bool] | None) -> None:
    assert parse(answer, multi) == expected


def test_labels_are_found_in_alphabetical_order() -> None:
    assert Labels.of((), ["b", "a", "b", ""], multi=False).names == ("a", "b")


def test_labels_unknown_to_the_job_are_a_problem() -> None:
    labels = Labels.of(("b", "a"), ["c"], multi=False)

    assert labels.names == ("b", "a")
    assert labels.problem("c") == "no_label"
    assert labels.problem("a ") is None


def test_targets() -> None:
    assert Labels(("b", "a"), multi=False).targets(["a", "b "]).tolist() == [1, 0]
    assert Labels(("a", "b"), multi=True).targets(['{"b": 1}', "[]"]).tolist() == [[0, 1], [0, 0]]


def test_class_weights_balance_and_are_capped() -> None:
    assert class_weights(np.array([0, 0, 0, 1]), 2).tolist() == pytest.approx([2 / 3, 2])
    assert class_weights(np.array([0] * 99 + [1]), 2)[1] == 10


def test_positive_weights() -> None:
    assert positive_weights(np.array([[1, 1], [0, 1], [0, 1], [0, 1]])).tolist() == [3, 1]


def test_scores() -> None:
    actual = one_hot(np.array([0, 0, 1, 1]), 2)
    found = scores(one_hot(np.array([0, 1, 1, 1]), 2), actual, ("a", "b"))

    assert found == pytest.approx(
        {"accuracy": 0.75, "macro_f1": (2 / 3 + 0.8) / 2, "f1/a": 2 / 3, "f1/b": 0.8}
    )
