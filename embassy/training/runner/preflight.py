"""What is known before the model is touched: counted, estimated, shown, and refused where hopeless."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from embassy.training import workload
from embassy.training.examples.summary import Counted, describe, refuse_hopeless, steps_per_epoch
from embassy.training.fitting import Fit
from embassy.training.footprint import estimate
from embassy.training.model_shape import read_shape
from embassy.training.runner.failures import RunnerError
from embassy.training.runner.hardware import Hardware, available_memory
from embassy.training.runner.run import Run
from embassy.training.spec import EndCode, EventType

E = TypeVar("E", bound=Counted)


@dataclass
class Preflight(Generic[E]):
    """`rows` and `eval_rows` are the trainable ones; `facts` what the `preflight` event tells."""

    run: Run
    rows: list[E]
    eval_rows: list[E]
    facts: dict[str, Any] = field(default_factory=dict)

    def tell(self, **more: Any) -> None:
        self.run.emit(EventType.PREFLIGHT, **self.facts, **more)


def check_rows(
    run: Run,
    hardware: Hardware,
    train: Sequence[E],
    evaluation: Sequence[E],
) -> tuple[list[E], list[E]]:
    """Report on the rows and keep the trainable ones of both files.

    Raises RunnerError if too few rows can be trained on, or if the run cannot fit into memory.
    """
    found = examine(run, hardware, train, evaluation)
    found.tell()
    return found.rows, found.eval_rows


def examine(
    run: Run,
    hardware: Hardware,
    train: Sequence[E],
    evaluation: Sequence[E],
    epoch_steps: Callable[[int], int] | None = None,
) -> Preflight[E]:
    """As `check_rows`, for who has more to say: tells only if it is to be the last word.

    `epoch_steps` counts the optimizer steps for a number of rows where a batch is not made of rows.
    """
    rows = [example for example in train if example.problem is None]
    eval_rows = [example for example in evaluation if example.problem is None]
    steps = epoch_steps(len(rows)) if epoch_steps else steps_per_epoch(len(rows), run.spec.parameters)
    fit = fit_of(run, hardware, rows)
    facts = {
        **describe(train),
        "eval_rows": len(evaluation),
        "eval_untrainable_rows": len(evaluation) - len(eval_rows),
        "steps_per_epoch": steps,
        "estimated_steps": steps * run.spec.parameters.num_train_epochs,
        "memory": fit and fit.as_dict(),
    }
    found = Preflight(run, rows, eval_rows, facts)
    try:
        refuse_hopeless(train, len(rows))
        refuse_what_cannot_fit(run, fit)
    except Exception:
        found.tell()
        raise
    return found


def fit_of(run: Run, hardware: Hardware, rows: Sequence[Counted]) -> Fit | None:
    """None where the model's files do not tell its shape."""
    spec, shape = run.spec, read_shape(Path(run.spec.base.path))
    if shape is None:
        return None
    load = workload.load_of(
        spec.technique, spec.task, spec.parameters, rows, cuda=hardware.cuda, bf16=hardware.bf16
    )
    # Processes without a GPU of their own share the host.
    sharing = 1 if hardware.cuda else spec.parameters.num_processes
    return Fit(estimate(shape, load), available_memory(hardware.cuda) // sharing)


def refuse_what_cannot_fit(run: Run, fit: Fit | None) -> None:
    if fit is not None and run.spec.check_memory and fit.is_hopeless:
        raise RunnerError(EndCode.DOES_NOT_FIT, fit.refusal(run.spec.parameters))
