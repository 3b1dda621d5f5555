"""What is known about the data before the model is touched: counted, shown, and refused where hopeless."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from embassy.training.runner.failures import RunnerError
from embassy.training.runner.run import Run
from embassy.training.spec import EndCode, EventType, Parameters

_SHOWN = 20
_REASONS = {
    "empty_completion": "the answer is empty",
    "cut_off": "max_length cuts the answer off",
    "no_answer": "no answer is to be learned",
    "prompt_too_long": "the prompt leaves no room for an answer within max_length",
    "equal_answers": "the better answer equals the worse one",
    "no_label": "the answer is not a label",
    "no_number": "the answer is not a number",
    "empty_text": "a text is empty",
}


class Counted(Protocol):
    """What every technique's examples tell about themselves; lengths in tokens."""

    @property
    def line(self) -> int: ...
    @property
    def problem(self) -> str | None: ...
    @property
    def truncated(self) -> bool: ...
    @property
    def full_length(self) -> int: ...


E = TypeVar("E", bound=Counted)


def check_rows(
    run: Run,
    train: Sequence[E],
    evaluation: Sequence[E],
    steps_per_epoch: Callable[[int], int] | None = None,
) -> tuple[list[E], list[E]]:
    """Report on the rows and keep the trainable ones of both files.

    `steps_per_epoch` counts the optimizer steps for a number of rows where a batch is not made of rows.
    Raises RunnerError if no row, or only the smaller part of the rows, can be trained on.
    """
    kept = [example for example in train if example.problem is None]
    kept_evaluation = [example for example in evaluation if example.problem is None]
    steps = steps_per_epoch(len(kept)) if steps_per_epoch else _steps(len(kept), run.spec.parameters)
    run.emit(
        EventType.PREFLIGHT,
        **describe(train),
        eval_rows=len(evaluation),
        eval_untrainable_rows=len(evaluation) - len(kept_evaluation),
        steps_per_epoch=steps,
        estimated_steps=steps * run.spec.parameters.num_train_epochs,
    )
    refuse_hopeless(train, len(kept))
    return kept, kept_evaluation


def describe(examples: Sequence[Counted]) -> dict[str, Any]:
    lengths = [example.full_length for example in examples]
    untrainable = [example for example in examples if example.problem]
    return {
        "rows": len(examples),
        "trainable_rows": len(examples) - len(untrainable),
        "tokens": {
            "total": sum(lengths),
            "min": min(lengths, default=0),
            "mean": round(sum(lengths) / max(1, len(lengths)), 1),
            "max": max(lengths, default=0),
        },
        "truncated_rows": sum(example.truncated for example in examples),
        "untrainable_rows": len(untrainable),
        "untrainable": [{"line": e.line, "problem": e.problem} for e in untrainable[:_SHOWN]],
    }


def _steps(rows: int, parameters: Parameters) -> int:
    """Optimizer steps of one epoch on one device."""
    batches = math.ceil(rows / parameters.per_device_train_batch_size)
    return math.ceil(batches / parameters.gradient_accumulation_steps)


def refuse_hopeless(examples: Sequence[Counted], trainable: int) -> None:
    if trainable == 0:
        raise RunnerError(
            EndCode.NO_TRAINABLE_ROWS, f"No row of the dataset can be trained on. {_advice(examples)}"
        )
    if trainable * 2 < len(examples):
        raise RunnerError(
            EndCode.MOSTLY_UNTRAINABLE_ROWS,
            f"{len(examples) - trainable} of {len(examples)} rows cannot be trained on. {_advice(examples)}",
        )


def _remedy(problem: str) -> str:
    return "Raise max_length." if problem in ("cut_off", "prompt_too_long") else "Mend or remove them."


def _advice(examples: Sequence[Counted]) -> str:
    problems = [example.problem for example in examples if example.problem]
    if not problems:
        return "Add rows to it."
    commonest = max(set(problems), key=problems.count)
    lines = [str(example.line) for example in examples if example.problem == commonest][:5]
    return f"In most of these {_REASONS[commonest]} (rows {', '.join(lines)}). {_remedy(commonest)}"
