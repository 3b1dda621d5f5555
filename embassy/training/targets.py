"""What the answers of a dataset mean to a head that learns labels or numbers. Pure."""

import json
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from embassy.platform.errors import InvalidInput
from embassy.training.states import TaskType

# What an engine that adapters share makes room for.
MOST_LABELS_OF_AN_ADAPTER = 64
MOST_PROBLEMS_SHOWN = 5

# Answers as they occur: how often, and in which line first.
Answers = Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class Targets:
    """`labels` in the order of the head's outputs; none for numbers.

    `baseline` is the answer that is right most often whatever is asked: what a model has to beat.
    """

    labels: tuple[str, ...] = ()
    multi_label: bool = False
    baseline: str = ""


def tally(answers: Iterable[tuple[int, str]]) -> Answers:
    """Each different answer of (line, answer)."""
    found: dict[str, tuple[int, int]] = {}
    for line, answer in answers:
        count, first = found.get(answer.strip(), (0, line))
        found[answer.strip()] = (count + 1, first)
    return found


def read_targets(task_type: str, answers: Answers, *, multi_label: bool | None, field: str) -> Targets:
    """What there is to learn. `multi_label` None: judge by the answers. Raises InvalidInput with lines."""
    if task_type == TaskType.REGRESSION:
        check_answers(answers, number_problem, field)
        return Targets(baseline=f"{_mean(answers):.6g}")
    several = all(labels_of(answer, multi=True) for answer in answers) if multi_label is None else multi_label
    check_answers(answers, lambda answer: label_problem(answer, several, None), field)
    names = {name for answer in answers for name in labels_of(answer, several) or ()}
    if len(names) < (1 if several else 2):
        raise InvalidInput(
            f"{field}: all rows have the same label, {next(iter(names))}. Add rows with another.",
            code="one_label",
        )
    labels = tuple(sorted(names))
    return Targets(labels, several, _commonest(answers, labels, several))


def check_answers(answers: Answers, problem_of: Callable[[str], str | None], field: str) -> None:
    """Raises InvalidInput that names the first line of each wrong answer, as far as they are few."""
    problems = [
        (line, problem)
        for answer, (_, line) in answers.items()
        if (problem := problem_of(answer)) is not None
    ]
    if not problems:
        return
    problems.sort()
    told = "; ".join(f"line {line}: {problem}" for line, problem in problems[:MOST_PROBLEMS_SHOWN])
    rest = len(problems) - MOST_PROBLEMS_SHOWN
    more = f"; and {rest} more answers like these" if rest > 0 else ""
    raise InvalidInput(f"{field}: {told}{more}.", code="invalid_rows")


def number_problem(answer: str) -> str | None:
    try:
        finite = math.isfinite(float(answer))
    except ValueError:
        finite = False
    return None if finite else f"{_shown(answer)} is not a number"


def label_problem(answer: str, multi: bool, known: Collection[str] | None) -> str | None:
    """`known` None: any label will do."""
    labels = labels_of(answer, multi)
    if labels is None:
        wanted = (
            'an object of labels with 0 or 1, such as {"urgent": 1, "billing": 0}' if multi else "a label"
        )
        return f"{_shown(answer)} is not {wanted}"
    unknown = [name for name in labels if known is not None and name not in known]
    return f"the training rows have no label {_shown(unknown[0])}" if unknown else None


def labels_of(answer: str, multi: bool) -> dict[str, bool] | None:
    """Which labels an answer names and whether each holds, as the trainer reads it; None if it is no such."""
    if not multi:
        return {answer.strip(): True} if answer.strip() else None
    try:
        value = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return dict.fromkeys(value, True)
    if isinstance(value, dict) and value and all(holds in (0, 1) for holds in value.values()):
        return {name: bool(holds) for name, holds in value.items()}
    return None


def _mean(answers: Answers) -> float:
    total = sum(count for count, _ in answers.values())
    return sum(float(answer) * count for answer, (count, _) in answers.items()) / total


def _commonest(answers: Answers, labels: tuple[str, ...], multi: bool) -> str:
    counts: Counter[str] = Counter()
    for answer, (count, _) in answers.items():
        for name, holds in (labels_of(answer, multi) or {}).items():
            counts[name] += count if holds else 0
    if not multi:
        return max(labels, key=lambda name: counts[name])
    rows = sum(count for count, _ in answers.values())
    return json.dumps({name: int(2 * counts[name] > rows) for name in labels}, ensure_ascii=False)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "…")
