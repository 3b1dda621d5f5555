from typing import Any

import pytest

from embassy.training.supervisor.answers import as_answer

LABELS = {"problem_type": "single_label_classification", "labels": ["a", "b", "c"], "multi_label": False}
SEVERAL = {
    "problem_type": "multi_label_classification",
    "labels": ["a", "b"],
    "multi_label": True,
    "threshold": 0.0,
}
NUMBER = {"problem_type": "regression", "mean": 100.0, "deviation": 20.0}


@pytest.mark.parametrize(
    ("metadata", "outputs", "answer"),
    [
        (LABELS, [-1.0, 3.0, 2.9], "b"),
        (SEVERAL, [0.1, -0.1], '{"a": 1, "b": 0}'),
        (NUMBER, [-0.5], "90"),
        (NUMBER, [0.123456], "102.469"),
        (LABELS, None, ""),
    ],
)
def test_outputs_become_the_answer(
    metadata: dict[str, Any], outputs: list[float] | None, answer: str
) -> None:
    assert as_answer(metadata, outputs) == answer
