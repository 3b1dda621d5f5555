"""What a listener may hear, read from the rows."""

from dataclasses import dataclass

from embassy.platform.errors import Forbidden, Unauthorized
from embassy.projects import selectors as projects
from embassy.projects.authentication import MISSING, WRONG
from embassy.training import selectors
from embassy.training.models import JobEvent, TrainingJob
from embassy.training.states import UNFINISHED

SCOPE = "training:read"
LONGEST = 500


@dataclass(frozen=True)
class Chapter:
    """The next events of a job. `is_last`: the job has ended, or is gone, and there are no more."""

    events: list[JobEvent]
    is_last: bool


def find_job(plain_key: str | None, project_id: str, job_id: str) -> TrainingJob:
    """Raises Unauthorized, Forbidden and NotFound."""
    if plain_key is None:
        raise Unauthorized(MISSING)
    actor = projects.actor_for_key(plain_key)
    if actor is None:
        raise Unauthorized(WRONG)
    if not actor.may(SCOPE):
        raise Forbidden(f"This API key lacks the scope {SCOPE}.", code="missing_scope")
    return selectors.get_job(actor, projects.get_project(actor, project_id), job_id)


def read(job: TrainingJob, after: int) -> Chapter:
    # The status first: with the move to the last one its event is written, and none comes after.
    row = TrainingJob.objects.filter(pk=job.pk).values_list("status", flat=True).first()
    events = list(selectors.events_of(job, after=after, limit=LONGEST))
    return Chapter(events, is_last=row not in UNFINISHED and len(events) < LONGEST)
