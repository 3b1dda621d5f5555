"""What rows amount to: counted, and refused where hopeless."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

from embassy.training.examples.errors import Unusable
from embassy.training.spec import EndCode, Parameters

SHOWN = 20
REASONS = {
    "empty_completion": "the answer is empty",
    "cut_off": "max_length cuts the answer off",
    "no_answer": "no answer is to be learned",
    "prompt_too_long": "the prompt leaves no room for an answer within max_length",
    "equal_answers": "the better answer equals the worse one",
    "no_label": "the answer is not a label",
    "no_number": "the answer is not a number",
    "empty_text": "a text is empty",
}
_PERCENTILES = (50, 90, 95, 99)


class Counted(Protocol):
    """What every technique's examples tell about themselves; lengths in tokens.

    `full_length` is before the cut. `size` is what a batch takes for the row, all its sequences after the
    cut; `learned` how many of those tokens the loss looks at.
    """

    @property
    def line(self) -> int: ...
    @property
    def problem(self) -> str | None: ...
    @property
    def truncated(self) -> bool: ...
    @property
    def full_length(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def learned(self) -> int: ...


def describe(examples: Sequence[Counted]) -> dict[str, Any]:
    untrainable = [example for example in examples if example.problem]
    return {
        "rows": len(examples),
        "trainable_rows": len(examples) - len(untrainable),
        "tokens": count_tokens([example.full_length for example in examples]),
        "truncated_rows": sum(example.truncated for example in examples),
        "untrainable_rows": len(untrainable),
        "untrainable": [{"line": e.line, "problem": e.problem} for e in untrainable[:SHOWN]],
    }


def count_tokens(lengths: Sequence[int]) -> dict[str, Any]:
    ordered = sorted(lengths)
    return {
        "total": sum(ordered),
        "min": ordered[0] if ordered else 0,
        "mean": round(sum(ordered) / max(1, len(ordered)), 1),
        "max": ordered[-1] if ordered else 0,
        **{f"p{percent}": _percentile(ordered, percent) for percent in _PERCENTILES},
    }


def steps_per_epoch(rows: int, parameters: Parameters) -> int:
    """Optimizer steps of one epoch, where a batch is made of rows."""
    batches = math.ceil(rows / (parameters.per_device_train_batch_size * parameters.num_processes))
    return math.ceil(batches / parameters.gradient_accumulation_steps)


def refuse_hopeless(examples: Sequence[Counted], trainable: int) -> None:
    """Raises Unusable if no row, or only the smaller part of the rows, can be trained on."""
    if trainable == 0:
        raise Unusable(
            EndCode.NO_TRAINABLE_ROWS, f"No row of the dataset can be trained on. {_advice(examples)}"
        )
    if trainable * 2 < len(examples):
        raise Unusable(
            EndCode.MOSTLY_UNTRAINABLE_ROWS,
            f"{len(examples) - trainable} of {len(examples)} rows cannot be trained on. {_advice(examples)}",
        )


def _percentile(ordered: Sequence[int], percent: int) -> int:
    """The smallest length that so many percent of the rows do not exceed."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else 0


def _remedy(problem: str) -> str:
    return "Raise max_length." if problem in ("cut_off", "prompt_too_long") else "Mend or remove them."


def _advice(examples: Sequence[Counted]) -> str:
    problems = [example.problem for example in examples if example.problem]
    if not problems:
        return "Add rows to it."
    commonest = max(set(problems), key=problems.count)
    lines = [str(example.line) for example in examples if example.problem == commonest][:5]
    return f"In most of these {REASONS[commonest]} (rows {', '.join(lines)}). {_remedy(commonest)}"
