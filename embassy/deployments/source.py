"""What is to be deployed: a checkpoint of a training job, or a base model."""

import re
from dataclasses import dataclass, field
from typing import Any

from embassy.catalog import selectors as catalog
from embassy.engines.keys import Archive
from embassy.platform.actor import Actor
from embassy.platform.errors import Conflict, InvalidInput, NotFound
from embassy.projects.models import Project
from embassy.training import selectors as training
from embassy.training.models import TrainingJob
from embassy.training.parity import ParityStatus
from embassy.training.states import UNFINISHED

JOB_ID = re.compile(r"tr-[0-9A-Za-z]{22}")


@dataclass(frozen=True)
class Source:
    """All that serving needs to know. `archive` is None for a base model, `rank` 0 for a whole model."""

    base_model: str
    task_type: str
    job: TrainingJob | None = None
    checkpoint: int = 0
    archive: Archive | None = None
    rank: int = 0
    merged: bool = False
    prompt_format: dict[str, str] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    forced: bool = False  # although the engine does not answer as the trainer did

    @property
    def needs_adapter(self) -> bool:
        return self.archive is not None and not self.merged


def resolve(
    *, project: Project, reference: str, checkpoint: int, actor: Actor, force: bool = False
) -> Source:
    """`reference` is a training job's id, or with checkpoint 0 a base model's name.

    Raises InvalidInput if there is no such thing, Conflict while the job still runs, and without `force`
    Conflict for a checkpoint that the engine does not serve as it was trained.
    """
    try:
        if JOB_ID.fullmatch(reference):
            return _trained(training.get_job(actor, project, reference), checkpoint, force=force)
        return _base(reference, checkpoint)
    except NotFound as error:
        # It was named in the body, so the request is wrong, not the address.
        raise InvalidInput(f"training_job_id: {error.message}", code=error.code) from None


def _trained(job: TrainingJob, number: int, *, force: bool) -> Source:
    if number == 0:
        raise InvalidInput(
            f"checkpoint: 0 means a base model. To deploy it, give its name ({job.base_model}) as"
            " training_job_id."
        )
    if job.status in UNFINISHED:
        raise Conflict(
            f"Training job {job.name} is {job.status}. Deploy its checkpoints when it has ended.",
            code="training_job_unfinished",
        )
    checkpoint = training.get_checkpoint(job, number)
    differs = (checkpoint.parity or {}).get("status") == ParityStatus.FAILED
    if differs and not force:
        raise Conflict(
            f"Checkpoint {number} failed its parity check. {checkpoint.parity['reason']} Deploy another"
            " checkpoint, or send force: true to deploy this one all the same.",
            code="parity_failed",
        )
    return Source(
        base_model=job.base_model,
        task_type=job.task_type,
        job=job,
        checkpoint=number,
        archive=Archive(checkpoint.archive_key, checkpoint.sha256),
        rank=checkpoint.rank,
        merged=checkpoint.merged,
        prompt_format=checkpoint.prompt_format,
        metadata=checkpoint.metadata,
        forced=differs,
    )


def _base(name: str, number: int) -> Source:
    model = catalog.get_base_model(name)
    if number != 0:
        raise InvalidInput(f"checkpoint: {name} is a base model, whose only checkpoint is 0.")
    return Source(base_model=model.name, task_type=model.task_types[0])
