import pytest

from embassy.platform.errors import InvalidInput
from embassy.training.targets import Targets, read_targets, tally


def read(task: str, *answers: str, multi_label: bool | None = None) -> Targets:
    counted = tally((line, answer) for line, answer in enumerate(answers, start=1))
    return read_targets(task, counted, multi_label=multi_label, field="rows")


def test_labels_are_sorted_and_the_commonest_is_to_be_beaten() -> None:
    assert read("classification", "spam", " ham", "spam ") == Targets(("ham", "spam"), False, "spam")


def test_objects_of_zeros_and_ones_are_several_labels() -> None:
    found = read("classification", '{"b": 1, "a": 0}', '{"a": 0, "c": 1, "b": 1}', '["c"]')

    assert found == Targets(("a", "b", "c"), True, '{"a": 0, "b": 1, "c": 1}')


def test_objects_may_be_taken_for_plain_labels() -> None:
    assert read("classification", '{"a": 1}', '{"a": 0}', multi_label=False).labels == (
        '{"a": 0}',
        '{"a": 1}',
    )


def test_numbers() -> None:
    assert read("regression", "1", "2.5", "-0.5", "1e3") == Targets(baseline="250.75")


@pytest.mark.parametrize(
    ("task", "multi_label", "answers", "said"),
    [
        (
            "regression",
            None,
            ["1", "3,5", "nan", "about 2"],
            "rows: line 2: '3,5' is not a number; line 3: 'nan'",
        ),
        ("regression", None, ["inf"], "line 1"),
        ("classification", True, ['{"a": 1}', '{"a": 2}'], "line 2: '{\"a\": 2}' is not an object of labels"),
        ("classification", None, ["same", "same"], "all rows have the same label, same"),
        ("classification", False, ["a", " "], "line 2: '' is not a label"),
        ("regression", None, [f"x{n}" for n in range(9)], "and 4 more answers like these"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    task: str, multi_label: bool | None, answers: list[str], said: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(task, *answers, multi_label=multi_label)

    assert said in caught.value.message
