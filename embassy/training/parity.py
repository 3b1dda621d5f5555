"""Whether the engine answers as the trainer did: the answers, and the rules by which they are compared. Pure.

Log-probabilities are natural logarithms. A margin is how far the chosen token was ahead of the second best,
in the same unit.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

VERSION = 1
LONGEST = 16  # tokens of an answer

# A shift that the trainer measures must be seen in the engine too. It may come out smaller there by twice the
# tolerance, once for each of the two answers; above three times, at least one time is left.
SURE = 3.0


class ParityStatus(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    UNCHECKED = "unchecked"


@dataclass(frozen=True)
class Answer:
    """A greedy answer, token by token."""

    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    margins: tuple[float, ...]

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> "Answer":
        """From JSON, as `asdict` gives it."""
        return cls(tuple(document["ids"]), tuple(document["logprobs"]), tuple(document["margins"]))


@dataclass(frozen=True)
class Served:
    """What the engine made of a prompt, and what it answered."""

    prompt_ids: tuple[int, ...]
    answer: Answer


@dataclass(frozen=True)
class Tolerance:
    """How much two programs that compute the same may differ.

    `logprob`: a chosen token's log-probability. Two of them may move towards each other, so a margin below
    `tie` (twice that) leaves open which token wins. A head's raw output may differ by `absolute` and
    `relative` of itself; `cosine` is the least that two vectors must have.
    """

    logprob: float
    absolute: float
    relative: float
    cosine: float = 0.999

    @property
    def tie(self) -> float:
        return 2 * self.logprob

    def as_dict(self) -> dict[str, float]:
        return {**asdict(self), "tie": self.tie}


# Measured with the shipped model, trainer and engine on a CPU; the largest differences that were seen:
#   fp32 on both sides: 0.00001 in a log-probability, 0.00001 in an output. Other kernels may be a little
#   coarser, and nothing that is served wrongly comes as close as this allows.
#   fp32 against bfloat16: 0.06 in a tuned model's log-probability, 0.26 in the base model's, whose answers
#   are longer and less sure; 0.06 in an output of 4.
#   4 bits in training against whole weights in the engine: 0.70 after a first epoch, 0.35 later; 0.23 in an
#   output. The two compute different things, so this tells a lost adapter, not more.
EXACT = Tolerance(logprob=0.01, absolute=0.01, relative=0.01)
HALF = Tolerance(logprob=0.3, absolute=0.1, relative=0.05)
QUANTIZED = Tolerance(logprob=1.5, absolute=1.0, relative=0.25)


def tolerance_for(precisions: Collection[str], *, quantized: bool) -> Tolerance:
    """For weights in these precisions ("float32", "bfloat16" …); `quantized` if either side holds 4 bits."""
    if quantized:
        return QUANTIZED
    return EXACT if set(precisions) == {"float32"} else HALF


@dataclass(frozen=True)
class Finding:
    """Of one probe: what is shown, whether anything could be compared, and what is wrong, if anything."""

    detail: dict[str, Any]
    compared: bool
    problem: str = ""


def compare_answers(
    prompt_ids: Sequence[int],
    expected: Answer,
    base: Answer | None,
    found: Served,
    found_base: Answer | None,
    tolerance: Tolerance,
) -> Finding:
    """Compare texts. `base` is what the model said before training, `found_base` what the engine's says.

    Tokens must be the same up to the first near tie at which they are not, and log-probabilities close; an
    adapter that changes the trainer's answer must change the engine's.
    """
    if tuple(prompt_ids) != found.prompt_ids:
        return _other_prompt(prompt_ids, found.prompt_ids)
    walk = _walk(expected, found.answer, tolerance)
    change = None if base is None else shift(expected, base)
    before = found_base or base
    seen = None if before is None else shift(found.answer, before)
    detail = {**walk.detail, "change": _rounded(change), "change_served": _rounded(seen)}
    if walk.problem and before is not None and found.answer.ids == before.ids:
        return Finding(detail, True, f"{walk.problem} That is what the base model answers")
    if walk.problem:
        return Finding(detail, True, walk.problem)
    if _is_ignored(change, seen, tolerance):
        return Finding(detail, True, "training changed the answer, but the engine answers as the base model")
    return Finding(detail, walk.compared)


def refused() -> Finding:
    return Finding({}, True, "the engine refused the prompt")


def compare_outputs(
    expected: Sequence[float], found: Sequence[float] | None, tolerance: Tolerance
) -> Finding:
    """Compare the raw outputs of a head."""
    if found is None or len(found) != len(expected):
        return _nothing_served(found, len(expected), "outputs")
    differences = [abs(one - other) for one, other in zip(expected, found, strict=True)]
    allowed = [tolerance.absolute + tolerance.relative * abs(value) for value in expected]
    detail = {"outputs": len(expected), "difference": _rounded(max(differences, default=0.0))}
    for index, (difference, most) in enumerate(zip(differences, allowed, strict=True)):
        if not difference <= most:  # also where it is not a number
            was, is_now = expected[index], found[index]
            return Finding(detail, True, f"output {index + 1} was {was:.4g} in training and is {is_now:.4g}")
    return Finding(detail, True)


def compare_vectors(
    expected: Sequence[float], found: Sequence[float] | None, tolerance: Tolerance
) -> Finding:
    """Compare two embeddings by the cosine of the angle between them."""
    if found is None or len(found) != len(expected):
        return _nothing_served(found, len(expected), "dimensions")
    lengths = math.hypot(*expected) * math.hypot(*found)
    cosine = sum(a * b for a, b in zip(expected, found, strict=True)) / lengths if lengths else 0.0
    detail = {"dimensions": len(expected), "cosine": round(cosine, 6)}
    if not cosine >= tolerance.cosine:
        return Finding(detail, True, f"the vector has a cosine of {cosine:.4f} to the one in training")
    return Finding(detail, True)


def verdict(findings: Sequence[Finding]) -> tuple[ParityStatus, str]:
    """The status of all probes together, and the reason in a sentence; empty if all is well."""
    problems = [finding.problem for finding in findings if finding.problem]
    if problems:
        share = f"{len(problems)} of {len(findings)} probes differ" if len(findings) > 1 else "It differs"
        return ParityStatus.FAILED, f"The engine does not answer as the trainer did. {share}: {problems[0]}."
    if not any(finding.compared for finding in findings):
        return ParityStatus.UNCHECKED, "No answer could be compared: each began with a near tie."
    return ParityStatus.PASSED, ""


def shift(one: Answer, other: Answer) -> float:
    """How far apart two answers to the same prompt are, up to and including the first token that differs."""
    widest = 0.0
    for index, (first, second) in enumerate(zip(one.ids, other.ids, strict=False)):
        if first != second:
            return max(widest, one.margins[index] + other.margins[index])
        widest = max(widest, abs(one.logprobs[index] - other.logprobs[index]))
    return widest


def _is_ignored(change: float | None, seen: float | None, tolerance: Tolerance) -> bool:
    if change is None or seen is None:
        return False
    return change > SURE * tolerance.logprob and seen <= tolerance.logprob


def _walk(expected: Answer, found: Answer, tolerance: Tolerance) -> Finding:
    """Compare token by token. A token that is the same at a near tie counts; one that differs ends it."""
    detail: dict[str, Any] = {"tokens": len(expected.ids), "agreed": 0, "difference": 0.0, "first": None}
    widest = 0.0
    for index, token in enumerate(expected.ids):
        margin = expected.margins[index]
        if index >= len(found.ids) or found.ids[index] != token:
            other = found.ids[index] if index < len(found.ids) else None
            detail["first"] = {"at": index, "expected": token, "found": other, "margin": _rounded(margin)}
            return _parted(detail, index, token, other, margin, tolerance)
        difference = abs(expected.logprobs[index] - found.logprobs[index])
        widest = max(widest, difference)
        detail |= {"agreed": index + 1, "difference": _rounded(widest)}
        if not difference <= tolerance.logprob:  # also where it is not a number
            was, is_now = expected.logprobs[index], found.logprobs[index]
            return Finding(
                detail,
                True,
                f"token {index + 1} of the answer had a log-probability of {was:.3f} in training and has"
                f" {is_now:.3f}",
            )
    return Finding(detail, bool(expected.ids))


def _parted(
    detail: dict[str, Any], index: int, token: int, other: int | None, margin: float, tolerance: Tolerance
) -> Finding:
    if margin < tolerance.tie:
        return Finding(detail, index > 0)
    says = "nothing" if other is None else f"token {other}"
    return Finding(
        detail,
        True,
        f"at place {index + 1} of the answer training says token {token}, ahead by {margin:.3f}, and the"
        f" engine {says}",
    )


def _other_prompt(expected: Sequence[int], found: Sequence[int]) -> Finding:
    pairs = zip(expected, found, strict=False)
    at = next((index for index, (a, b) in enumerate(pairs) if a != b), min(len(expected), len(found)))
    detail = {"prompt_tokens": len(expected), "prompt_tokens_served": len(found), "prompt_differs_at": at}
    return Finding(
        detail,
        True,
        f"the prompt is {len(expected)} tokens in training and {len(found)} in the engine, and differs from"
        f" token {at + 1} on; the chat templates are not the same",
    )


def _nothing_served(found: Sequence[float] | None, expected: int, unit: str) -> Finding:
    if found is None:
        return refused()
    return Finding({unit: len(found)}, True, f"the engine gave {len(found)} {unit} in place of {expected}")


def _rounded(value: float | None) -> float | None:
    """As JSON takes it: what is not a number is null."""
    return None if value is None or not math.isfinite(value) else round(value, 6)
