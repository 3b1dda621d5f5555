from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embassy.platform.errors import InvalidInput
from embassy.training.rebalance import checked, resampled

LABELS = ["a"] * 8 + ["b"] * 2


def sizes(wanted: dict[str, float], labels: list[str] = LABELS, seed: int = 0) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for index, times in resampled(labels, wanted, seed=seed).items():
        counts[labels[index]] += times
    return dict(counts)


def test_shares_keep_the_number_of_rows() -> None:
    assert sizes({"a": 0.3, "b": 0.7}) == {"a": 3, "b": 7}


def test_numbers_are_met_exactly() -> None:
    assert sizes({"a": 4, "b": 5}) == {"a": 4, "b": 5}
    assert sizes({"b": 20}) == {"a": 8, "b": 20}


def test_rows_are_repeated_alike() -> None:
    taken = resampled(LABELS, {"b": 5}, seed=0)

    assert sorted(taken[index] for index in (8, 9)) == [2, 3]
    assert all(taken[index] == 1 for index in range(8))


def test_same_seed_same_rows() -> None:
    assert resampled(LABELS, {"a": 4}, seed=1) == resampled(LABELS, {"a": 4}, seed=1)
    assert resampled(LABELS, {"a": 4}, seed=1) != resampled(LABELS, {"a": 4}, seed=2)


@given(
    st.lists(st.sampled_from("abc"), min_size=3, max_size=60).filter(lambda labels: len(set(labels)) == 3),
    st.lists(st.integers(1, 100), min_size=3, max_size=3),
)
def test_any_shares_keep_the_number_of_rows(labels: list[str], parts: list[int]) -> None:
    wanted = {label: part / sum(parts) for label, part in zip("abc", parts, strict=True)}

    assert sum(resampled(labels, wanted, seed=0).values()) == len(labels)


@pytest.mark.parametrize(
    ("labels", "said"),
    [(["0", "1"], {"1": 0.7, "0": 0.3}), (["no", "Yes"], {"Yes": 0.7, "no": 0.3})],
)
def test_positive_and_negative_of_a_binary_dataset(labels: list[str], said: dict[str, float]) -> None:
    assert checked({"positive": 0.7, "negative": 0.3}, labels, multi_label=False) == said


def test_labels_that_are_called_so() -> None:
    wanted = {"positive": 5.0, "negative": 7.0}

    assert checked(wanted, ["negative", "neutral", "positive"], multi_label=False) == wanted


@pytest.mark.parametrize(
    ("wanted", "labels", "multi_label", "said"),
    [
        ({"a": 0.5, "b": 0.5}, ["a", "b"], True, "several labels"),
        ({"a": 0.5, "z": 0.5}, ["a", "b"], False, "no label 'z'. It has: a, b."),
        ({"a": 1.0, "b": 0.0}, ["a", "b"], False, "'b' must be above 0"),
        ({"a": 0.5, "b": 0.5}, ["a", "b", "c"], False, "Give one to c too"),
        ({"a": 0.5, "b": 0.6}, ["a", "b"], False, "shares that sum to 1"),
        ({"a": 2_000_000.0}, ["a", "b"], False, "more than 1000000 rows"),
        ({"positive": 0.5, "negative": 0.5}, ["cat", "dog"], False, "which of cat, dog is positive"),
        ({"positive": 3.0}, ["yes", "no", "maybe"], False, "Name the labels"),
        ({}, ["a", "b"], False, "name"),
    ],
)
def test_what_is_wrong_is_said(
    wanted: dict[str, float], labels: list[str], multi_label: bool, said: str
) -> None:
    with pytest.raises(InvalidInput, match="rebalance_data") as caught:
        checked(wanted, labels, multi_label=multi_label)

    assert said in caught.value.message


def test_label_of_which_no_row_is_left() -> None:
    with pytest.raises(InvalidInput, match="no row is left"):
        resampled(["a"], {"b": 3}, seed=0)
