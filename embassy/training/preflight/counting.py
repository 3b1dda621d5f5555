"""Rows to what the trainer would make of them."""

from collections.abc import Iterable
from functools import partial
from itertools import islice
from typing import cast

from embassy.datasets.rows import RawRow
from embassy.training import spec
from embassy.training.examples.chat import tokenize_rows
from embassy.training.examples.errors import Unusable
from embassy.training.examples.heads import tokenize_prompts
from embassy.training.examples.pairs import read_pairs
from embassy.training.examples.preferences import tokenize_preferences
from embassy.training.examples.prompts import read_prompts
from embassy.training.examples.summary import REASONS, Counted, describe
from embassy.training.preflight.result import Problem, Rows
from embassy.training.preflight.tokenizer import LightTokenizer
from embassy.training.spec import EndCode, Parameters, Task, Technique
from embassy.training.targets import Targets, label_problem, number_problem


def examples_of(
    technique: Technique,
    task: Task,
    parameters: Parameters,
    targets: Targets | None,
    tokenizer: LightTokenizer,
    context_length: int,
    rows: Iterable[RawRow],
) -> list[Counted]:
    """Raises Unusable where the model's chat template cannot be used."""
    longest = parameters.max_length
    if task is Task.EMBEDDING:
        return list(read_pairs(tokenizer, rows, min(longest, context_length)))
    if targets is not None:
        problem_of = partial(_problem, task, targets)
        return list(tokenize_prompts(tokenizer, rows, longest, problem_of))
    if not tokenizer.chat_template:
        raise Unusable(
            EndCode.CHAT_TEMPLATE_UNUSABLE, "The base model has no chat template. Choose one that has."
        )
    if technique is Technique.DPO:
        return list(tokenize_preferences(tokenizer, rows, longest))
    if technique is Technique.GRPO:
        answer = cast(spec.GrpoParameters, parameters).max_completion_length
        return list(read_prompts(tokenizer, rows, longest - answer))
    return list(tokenize_rows(tokenizer, rows, longest))


def summarize(examples: list[Counted], total: int) -> Rows:
    """What so many rows amount to, of which the examples are evenly spaced ones."""
    found, share = describe(examples), total / max(1, len(examples))
    tokens = found["tokens"] | {"total": round(found["tokens"]["total"] * share)}
    untrainable = round(found["untrainable_rows"] * share)
    return Rows(
        total=total,
        read=len(examples),
        trainable=total - untrainable,
        truncated=round(found["truncated_rows"] * share),
        untrainable=untrainable,
        problems=[
            Problem(line=row["line"], code=row["problem"], message=f"In this row {REASONS[row['problem']]}.")
            for row in found["untrainable"]
        ],
        tokens=tokens,
    )


def spaced(rows: Iterable[RawRow], total: int, most: int) -> Iterable[RawRow]:
    """At most so many of the rows, evenly spaced."""
    if total <= most:
        return rows
    wanted = {index * total // most for index in range(most)}
    return (row for index, row in enumerate(islice(rows, total)) if index in wanted)


def _problem(task: Task, targets: Targets, answer: str) -> str | None:
    if task is Task.REGRESSION:
        return "no_number" if number_problem(answer) else None
    return "no_label" if label_problem(answer, targets.multi_label, targets.labels) else None
