"""When the engine's answers count as the trainer's."""

import math
from typing import Any

import pytest

from embassy.training.parity import (
    EXACT,
    HALF,
    QUANTIZED,
    Answer,
    Finding,
    ParityStatus,
    Served,
    compare_answers,
    compare_outputs,
    compare_vectors,
    shift,
    tolerance_for,
    verdict,
)

PROMPT = (1, 2, 3)
TUNED = Answer((7, 8, 9), (-0.1, -0.2, -0.3), (2.0, 2.0, 2.0))
BASE = Answer((5, 6), (-0.5, -0.5), (1.0, 1.0))


def served(answer: Answer, prompt: tuple[int, ...] = PROMPT) -> Served:
    return Served(prompt, answer)


def changed(answer: Answer, **values: tuple[Any, ...]) -> Answer:
    return Answer(**{**vars(answer), **values})


def compare(found: Answer, *, expected: Answer = TUNED, base: Answer | None = BASE, **rest: Any) -> Finding:
    found_base = rest.get("found_base", BASE)
    return compare_answers(PROMPT, expected, base, served(found), found_base, rest.get("tolerance", EXACT))


def test_the_same_answer_agrees() -> None:
    finding = compare(TUNED)

    assert not finding.problem
    assert finding.compared
    assert finding.detail == {
        "tokens": 3,
        "agreed": 3,
        "difference": 0.0,
        "first": None,
        "change": 3.0,
        "change_served": 3.0,
    }


def test_what_follows_the_end_of_the_answer_does_not_matter() -> None:
    assert not compare(Answer((7, 8, 9, 4), (-0.1, -0.2, -0.3, -9.0), (2.0, 2.0, 2.0, 0.0))).problem


def test_another_prompt_is_found_first() -> None:
    finding = compare_answers(PROMPT, TUNED, BASE, served(TUNED, (1, 2, 4, 3)), BASE, EXACT)

    assert "differs from token 3 on; the chat templates are not the same" in finding.problem
    assert finding.detail == {"prompt_tokens": 3, "prompt_tokens_served": 4, "prompt_differs_at": 2}


def test_another_token_is_told_with_its_place() -> None:
    finding = compare(changed(TUNED, ids=(7, 1, 9)))

    assert finding.problem == (
        "at place 2 of the answer training says token 8, ahead by 2.000, and the engine token 1"
    )
    assert finding.detail["first"] == {"at": 1, "expected": 8, "found": 1, "margin": 2.0}


def test_an_answer_that_ends_early_differs() -> None:
    finding = compare(Answer((7,), (-0.1,), (2.0,)))

    assert finding.problem.endswith("the engine nothing")


def test_after_a_near_tie_the_rest_is_not_compared() -> None:
    close = changed(TUNED, margins=(2.0, EXACT.tie / 2, 2.0))
    finding = compare(changed(TUNED, ids=(7, 1, 2)), expected=close)

    assert not finding.problem
    assert finding.compared
    assert finding.detail["agreed"] == 1


def test_a_near_tie_that_comes_out_the_same_does_not_end_it() -> None:
    close = changed(TUNED, margins=(0.0, 0.0, 2.0))

    assert compare(changed(TUNED, ids=(7, 8, 1)), expected=close).problem.startswith("at place 3")


def test_a_first_token_that_hangs_on_a_tie_leaves_nothing_to_compare() -> None:
    close = changed(TUNED, margins=(0.0, 2.0, 2.0))
    finding = compare(changed(TUNED, ids=(1, 8, 9)), expected=close)

    assert (finding.compared, finding.problem) == (False, "")
    assert verdict([finding])[0] == ParityStatus.UNCHECKED


@pytest.mark.parametrize("logprob", [-0.2 - 2 * EXACT.logprob, math.nan])
def test_the_same_token_must_be_as_likely(logprob: float) -> None:
    finding = compare(changed(TUNED, logprobs=(-0.1, logprob, -0.3)))

    assert finding.problem.startswith("token 2 of the answer had a log-probability of -0.200 in training")


def test_small_differences_are_the_arithmetic_of_other_kernels() -> None:
    shifted = changed(TUNED, logprobs=(-0.25, -0.05, -0.45))

    assert not compare(shifted, tolerance=HALF).problem
    assert compare(shifted, tolerance=EXACT).problem


def test_the_base_models_answer_is_called_that() -> None:
    assert compare(BASE).problem.endswith("That is what the base model answers")


def test_a_lost_adapter_is_found_even_where_the_tokens_stay() -> None:
    """The answer is the same, only surer: within tolerance of what training says, but not moved at all."""
    before = changed(TUNED, logprobs=(-1.0, -1.1, -1.2))
    lost = changed(TUNED, logprobs=(-0.38, -0.2, -0.3))
    finding = compare(lost, base=before, found_base=lost, tolerance=HALF)

    assert finding.problem == "training changed the answer, but the engine answers as the base model"


def test_a_small_change_need_not_be_seen() -> None:
    before = changed(TUNED, logprobs=(-0.5, -0.2, -0.3))

    assert not compare(TUNED, base=before, found_base=TUNED, tolerance=HALF).problem


def test_a_whole_model_is_compared_with_what_training_began_with() -> None:
    finding = compare(TUNED, found_base=None)

    assert finding.detail["change_served"] == 3.0


def test_without_a_start_nothing_is_said_of_the_change() -> None:
    finding = compare(TUNED, base=None, found_base=None)

    assert (finding.problem, finding.detail["change"], finding.detail["change_served"]) == ("", None, None)


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        (TUNED, TUNED, 0.0),
        (TUNED, BASE, 3.0),  # the second best must pass the best: both margins
        (TUNED, changed(TUNED, logprobs=(-0.1, -0.9, -0.3)), pytest.approx(0.7)),
        (TUNED, Answer((7,), (-0.4,), (2.0,)), pytest.approx(0.3)),
    ],
)
def test_shift(one: Answer, other: Answer, distance: float) -> None:
    assert shift(one, other) == shift(other, one) == distance


def test_answers_survive_json() -> None:
    assert Answer.parse({"ids": [7, 8, 9], "logprobs": [-0.1, -0.2, -0.3], "margins": [2.0] * 3}) == TUNED


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        ([1.0, -2.0], ""),
        ([1.005, -2.02], ""),
        ([1.0, -2.04], "output 2 was -2 in training and is -2.04"),
        ([math.nan, -2.0], "output 1 was 1 in training and is nan"),
        ([1.0], "the engine gave 1 outputs in place of 2"),
        (None, "the engine refused the prompt"),
    ],
)
def test_outputs_of_a_head(found: list[float] | None, problem: str) -> None:
    assert compare_outputs([1.0, -2.0], found, EXACT).problem == problem


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        ([3.0, 4.0], ""),
        ([0.6, 0.8], ""),  # the engine gives them the length 1
        ([0.7, 0.8], "the vector has a cosine of 0.9972 to the one in training"),
        ([0.0, 0.0], "the vector has a cosine of 0.0000 to the one in training"),
        ([1.0], "the engine gave 1 dimensions in place of 2"),
        (None, "the engine refused the prompt"),
    ],
)
def test_vectors(found: list[float] | None, problem: str) -> None:
    assert compare_vectors([3.0, 4.0], found, EXACT).problem == problem


def test_verdict() -> None:
    good, bad = Finding({}, True), Finding({}, True, "it is upside down")

    assert verdict([good, good]) == (ParityStatus.PASSED, "")
    assert verdict([good, bad]) == (
        ParityStatus.FAILED,
        "The engine does not answer as the trainer did. 1 of 2 probes differ: it is upside down.",
    )


@pytest.mark.parametrize(
    ("precisions", "quantized", "tolerance"),
    [
        ({"float32"}, False, EXACT),
        ({"float32", "bfloat16"}, False, HALF),
        ({"bfloat16"}, False, HALF),
        ({"float32"}, True, QUANTIZED),
    ],
)
def test_tolerance(precisions: set[str], quantized: bool, tolerance: object) -> None:
    assert tolerance_for(precisions, quantized=quantized) is tolerance
