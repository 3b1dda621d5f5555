import json

import pytest

from embassy.evaluation.functions import Row
from embassy.evaluation.metrics import registry
from embassy.evaluation.metrics.classification import OTHER
from embassy.evaluation.metrics.report import Report
from embassy.evaluation.task_types import TaskType


def rows(*pairs: tuple[str, str]) -> list[Row]:
    return [Row("", expected, predicted) for expected, predicted in pairs]


def classify(*pairs: tuple[str, str]) -> Report:
    return registry.report(TaskType.CLASSIFICATION, rows(*pairs))


def test_labels() -> None:
    found = classify(("a", "a"), ("a", "b"), ("b", "b"), ("b", " b\n"))

    assert found.values["accuracy"] == 0.75
    assert found.values["f1_macro"] == pytest.approx((2 / 3 + 4 / 5) / 2, abs=1e-4)
    assert found.values["f1_micro"] == 0.75
    assert found.confusion
    assert found.confusion.labels == ("a", "b")
    assert found.confusion.counts == ((1, 1), (0, 2))
    assert found.per_label["a"] == {"precision": 1.0, "recall": 0.5, "f1": 0.6667, "rows": 2}


def test_answer_that_is_no_label_is_wrong_and_stands_in_a_column_of_its_own() -> None:
    found = classify(("a", "a"), ("a", "I think it is a"), ("b", "b"))

    assert found.values["accuracy"] == pytest.approx(0.6667)
    assert found.values["unknown_label"] == pytest.approx(0.3333)
    assert found.confusion
    assert found.confusion.labels == ("a", "b", OTHER)
    assert found.confusion.counts[0] == (1, 0, 1)


def test_one_class_only() -> None:
    assert classify(("a", "a")).values["f1_macro"] == 1.0


def test_too_many_labels_have_no_matrix() -> None:
    pairs = [(str(number), str(number)) for number in range(101)]

    assert classify(*pairs).confusion is None


@pytest.mark.parametrize("as_object", [False, True])
def test_several_labels(as_object: bool) -> None:
    def text(labels: str) -> str:
        return json.dumps({name: int(name in labels) for name in "xyz"} if as_object else list(labels))

    found = classify((text("xy"), text("x")), (text("z"), text("z")), (text("y"), "no JSON"))

    assert found.values["accuracy"] == pytest.approx(0.3333)
    assert found.values["f1_micro"] == pytest.approx(2 * 2 / (2 * 2 + 2), abs=1e-4)
    assert found.values["f1_macro"] == pytest.approx((1 + 0 + 1) / 3, abs=1e-4)
    assert found.values["hamming_loss"] == pytest.approx(2 / 9, abs=1e-4)
    assert found.per_label["y"]["rows"] == 2


def test_numbers() -> None:
    found = registry.report(TaskType.REGRESSION, rows(("1", "1"), ("2", "3"), ("3", "3.5")))

    assert found.values["mae"] == 0.5
    assert found.values["rmse"] == pytest.approx((1.25 / 3) ** 0.5, abs=1e-4)
    assert found.values["bias"] == 0.5
    assert found.values["r2"] == pytest.approx(1 - 1.25 / 2)
    assert found.values["spearman"] == 1.0
    assert 0.9 < found.values["pearson"] < 1.0


def test_answers_that_are_no_numbers_are_left_out_and_counted() -> None:
    found = registry.report(TaskType.REGRESSION, rows(("1", "one"), ("2", "2"), ("3", "nan")))

    assert (found.rows, found.left_out, found.values["unreadable"]) == (1, {"no_number": 2}, 0.6667)
    assert "pearson" not in found.values


def test_constant_answers_have_no_correlation() -> None:
    found = registry.report(TaskType.REGRESSION, rows(("1", "2"), ("2", "2")))

    assert "pearson" not in found.values
    assert found.values["mae"] == 0.5


def test_texts() -> None:
    found = registry.report(TaskType.TEXT_GENERATION, rows(("yes", "yes "), ("no", "")))

    assert (found.values["accuracy"], found.values["empty"]) == (0.5, 0.5)


@pytest.mark.parametrize("task", TaskType.values)
def test_no_rows(task: str) -> None:
    assert registry.report(task, []).values == {}


@pytest.mark.parametrize("task", TaskType.values)
def test_report_fits_a_json_column(task: str) -> None:
    found = registry.report(task, rows(("1", "1"), ("2", "1"), ("3", "x")))

    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["rows"] >= 2
