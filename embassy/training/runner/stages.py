"""The beginning and the end that all trainers share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PrinterCallback, set_seed

from embassy.training.runner import group, models
from embassy.training.runner import hardware as machine
from embassy.training.runner.callback import Progress
from embassy.training.runner.checkpoints import is_complete, resume_point
from embassy.training.runner.exports import Exporter
from embassy.training.runner.hardware import Hardware
from embassy.training.runner.limits import Stopped
from embassy.training.runner.resume import Belated
from embassy.training.runner.run import Run
from embassy.training.spec import EndReason, EventType


@dataclass(frozen=True)
class Start:
    """`parameters` is the size of the base model, `checkpoint` where to go on from."""

    parameters: int
    hardware: Hardware
    checkpoint: Path | None


def start(run: Run) -> Start:
    """Settle on hardware and the resume point, seed every generator, and tell."""
    size = models.count_parameters(run.spec)
    hardware = machine.choose_hardware(run.spec, size, run.ranks)
    group.join(run.spec, run.ranks, cuda=hardware.cuda)
    checkpoint = group.first_then_others(run.ranks, lambda: resume_point(run))
    set_seed(run.spec.parameters.seed)  # adapters and heads are random: before any is made
    run.emit(
        EventType.STARTED,
        resumed_from=checkpoint and str(checkpoint),
        model_parameters=size,
        processes=run.ranks.count,
        **machine.describe(hardware),
    )
    return Start(size, hardware, checkpoint)


def fit(
    run: Run,
    trainer: Any,
    exporter: Exporter,
    checkpoint: Path | None,
    extras: Callable[[], dict[str, Any]] | None = None,
) -> None:
    """Train to the end, reporting and exporting each epoch."""
    progress = Progress(run, exporter, extras)
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(progress)
    if checkpoint:
        trainer.add_callback(Belated(run, trainer, exporter, checkpoint))
    # It is the first process that exports; of a model that is spread none can ask alone.
    if exporter.references and run.ranks.first and not trainer.is_fsdp_enabled:
        exporter.references.watch(trainer.model, fresh=checkpoint is None)
    try:
        trainer.train(resume_from_checkpoint=checkpoint and str(checkpoint))
    except Stopped as stop:
        if stop.reason is EndReason.PAUSED and progress.is_evaluating:
            save_interrupted(run, trainer)
        raise


def save_interrupted(run: Run, trainer: Any) -> None:
    """Save what an interrupted evaluation was to measure: an epoch is not lost for its last minute."""
    step = trainer.state.global_step
    folder = run.spec.checkpoints_dir / f"checkpoint-{step}"
    if step and not is_complete(folder, processes=run.ranks.count):
        trainer._save_checkpoint(trainer.model, None)  # noqa: SLF001 - what the loop calls too
