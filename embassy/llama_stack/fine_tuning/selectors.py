"""Reads. What is missing and what is somebody else's are the same 404."""

from django.db.models import QuerySet

from embassy.llama_stack.fine_tuning import names
from embassy.llama_stack.models import FineTuningJob
from embassy.platform.actor import Actor
from embassy.platform.errors import NotFound
from embassy.projects.selectors import projects_visible_to
from embassy.training.models import Checkpoint
from embassy.training.states import JobStatus

Rows = QuerySet[FineTuningJob, FineTuningJob]


def jobs_visible_to(actor: Actor) -> Rows:
    rows = FineTuningJob.objects.filter(training_job__project__in=projects_visible_to(actor))
    return rows.select_related("training_job__project", "organization")


def get_job(actor: Actor, public_id: str) -> FineTuningJob:
    job = jobs_visible_to(actor).filter(public_id=public_id).first()
    if job is None:
        raise NotFound(
            f"There is no fine-tuning job {public_id}. List yours with GET /openai/v1/fine_tuning/jobs."
        )
    return job


def find_model(actor: Actor, name: str) -> tuple[FineTuningJob, Checkpoint]:
    """The job and the checkpoint that a fine-tuned model's name stands for. Raises NotFound."""
    model, step = names.split(name)
    job = jobs_visible_to(actor).filter(fine_tuned_model=model).first()
    checkpoint = None if job is None else checkpoint_of(job, step)
    if job is None or checkpoint is None:
        raise NotFound(f"There is no model {name}. List yours with GET /openai/v1/models.")
    return job, checkpoint


def checkpoint_of(job: FineTuningJob, step: int | None) -> Checkpoint | None:
    """The one of that step; without a step the best of a job that has ended well, else its last."""
    rows = job.training_job.checkpoints.all()
    if step is not None:
        return rows.filter(step=step).first()
    if job.training_job.status != JobStatus.SUCCESS:
        return None
    return rows.filter(best=True).first() or rows.order_by("-number").first()
