"""The best checkpoint of a job: which it is, and what becomes of the others."""

from django.db import transaction

from embassy.platform.enqueue import enqueue
from embassy.training import lifecycle
from embassy.training.models import Checkpoint, Merge, TrainingJob
from embassy.training.models.checkpoint import BASE
from embassy.training.selection import Keep, Scores, Selection
from embassy.training.states import JobStatus


def scores_of(job: TrainingJob, selection: Selection) -> Scores:
    """What each tested checkpoint scored in the function that selects; the base model is none of them."""
    results = job.test_results.exclude(number=BASE).values_list("number", "scores")
    name = selection.test_function
    return {number: scores[name] for number, scores in results if scores.get(name) is not None}


def mark_best(job: TrainingJob) -> None:
    """Mark the best of those tested so far. The caller holds a lock on the job's row."""
    selection = Selection.of(job.spec)
    if selection is None:
        return
    stored = set(job.checkpoints.values_list("number", flat=True))
    scores = {number: value for number, value in scores_of(job, selection).items() if number in stored}
    best = selection.best(scores)
    if best is None:
        return
    job.checkpoints.filter(best=True).exclude(number=best).update(best=False)
    job.checkpoints.filter(number=best, best=False).update(best=True)


@transaction.atomic
def succeed(job: TrainingJob, *, token: int, reason: str = "", code: str = "") -> bool:
    """End a job well, and remove what it was told not to keep. False if the token is an old one."""
    if not lifecycle.finish(job, JobStatus.SUCCESS, token=token, reason=reason, code=code):
        return False
    selection = Selection.of(job.spec)
    if selection is not None and selection.keep == Keep.BEST and job.checkpoints.filter(best=True).exists():
        # Checkpoints can be deployed once the job has ended, which it does in this very transaction.
        deployed = set(job.deployments.values_list("checkpoint", flat=True))
        for checkpoint in job.checkpoints.filter(best=False).exclude(number__in=deployed):
            _remove(job, checkpoint)
    return True


def _remove(job: TrainingJob, checkpoint: Checkpoint) -> None:
    lifecycle.record_event(
        job, "removed", checkpoint=checkpoint.number, size_bytes=checkpoint.size_bytes, reason="not the best"
    )
    merged = Merge.objects.filter(checkpoint=checkpoint).exclude(archive_key="")
    keys = [checkpoint.archive_key, *merged.values_list("archive_key", flat=True)]
    checkpoint.delete()
    for key in keys:
        enqueue("training.purge", key)
