import pytest
from hypothesis import given
from hypothesis import strategies as st

from embassy.training.split import held_out, sampled

QUESTIONS = [b"%d" % number for number in range(100)]


@pytest.mark.parametrize(("percent", "count"), [(20, 20), (1, 1), (99, 99), (0.1, 1), (33.3, 33)])
def test_about_that_many_rows(percent: float, count: int) -> None:
    assert len(held_out(QUESTIONS, percent=percent, seed=0)) == count


def test_same_seed_same_rows() -> None:
    assert held_out(QUESTIONS, percent=20, seed=1) == held_out(QUESTIONS, percent=20, seed=1)
    assert held_out(QUESTIONS, percent=20, seed=1) != held_out(QUESTIONS, percent=20, seed=2)


def test_one_question_cannot_be_split() -> None:
    assert held_out([b"same"] * 10, percent=20, seed=0) == set()
    assert held_out([], percent=20, seed=0) == set()


@given(
    st.lists(st.sampled_from([b"a", b"b", b"c", b"d"]), min_size=2, max_size=40),
    st.floats(min_value=0.1, max_value=99.9),
    st.integers(min_value=0, max_value=5),
)
def test_a_question_is_never_on_both_sides(questions: list[bytes], percent: float, seed: int) -> None:
    chosen = held_out(questions, percent=percent, seed=seed)

    inside = {questions[index] for index in chosen}
    outside = {question for index, question in enumerate(questions) if index not in chosen}
    assert not inside & outside
    assert bool(inside) == (len(set(questions)) > 1)
    assert outside


@pytest.mark.parametrize(("size", "expected"), [(0, 0), (3, 3), (10, 10), (99, 10)])
def test_sample_size(size: int, expected: int) -> None:
    assert len(sampled(10, size=size, seed=0)) == expected


def test_sample_is_the_same_for_the_same_seed() -> None:
    assert sampled(1000, size=10, seed=4) == sampled(1000, size=10, seed=4) != sampled(1000, size=10, seed=5)
