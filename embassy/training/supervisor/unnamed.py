"""Objects whose rows were never written: their worker was killed between the two."""

from embassy.platform.storage import get_storage
from embassy.training.models import TrainingJob


def remove_unnamed(job: TrainingJob) -> None:
    """Remove what earlier attempts stored in vain. For whoever holds the job and has stored nothing yet.

    A worker that was fenced rather than killed, and stores something later still, removes that itself.
    """
    if job.attempts <= 1:
        return
    storage = get_storage()
    named = {
        *job.checkpoints.values_list("archive_key", flat=True),
        *job.test_results.values_list("rows_key", flat=True),
    }
    for folder in ("checkpoints", "tests"):
        for key in set(storage.list(f"{job.prefix}{folder}/")) - named:
            storage.delete(key)
