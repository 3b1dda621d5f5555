"""Writes on request logs: kept, deleted when they are old or asked to go, made into data sets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone

from embassy.datasets.models import Dataset
from embassy.datasets.services import create_dataset_from_rows
from embassy.deployments.models import Deployment
from embassy.deployments.states import ENDED
from embassy.inference.endpoints import EMBEDDING
from embassy.inference.models import RequestLog
from embassy.inference.request_logs import selectors
from embassy.inference.request_logs.entries import Finished, columns_of
from embassy.inference.request_logs.rows import LogRows
from embassy.inference.request_logs.selectors import LogFilter
from embassy.platform.actor import Actor
from embassy.platform.errors import Forbidden, InvalidInput
from embassy.projects import audit

DELETE_BATCH = 1_000


@dataclass(frozen=True)
class DatasetRequest:
    """Which logs become rows. The newest come first, at most `limit` rows."""

    name: str
    filter: LogFilter
    only_successful: bool
    deduplicate: bool
    limit: int


def write(*, finished: Sequence[Finished]) -> None:
    """Those of deployments that keep their requests still: turned off means off at once."""
    pks = {entry.recording.deployment_pk for entry in finished}
    rows = Deployment.objects.filter(pk__in=pks, log_requests=True).exclude(status__in=ENDED)
    keeping = set(rows.values_list("pk", flat=True))
    RequestLog.objects.bulk_create(
        RequestLog(deployment_id=entry.recording.deployment_pk, **columns_of(entry))
        for entry in finished
        if entry.recording.deployment_pk in keeping
    )


def delete_logs(*, deployment: Deployment, older_than: datetime | None, actor: Actor) -> int:
    """All, or those from before a time; returns how many."""
    deleted = _delete(deployment, before=older_than)
    until = older_than.isoformat() if older_than else None
    audit.record("request_logs.deleted", deployment.public_id, actor=actor, deleted=deleted, older_than=until)
    return deleted


def make_dataset(*, deployment: Deployment, request: DatasetRequest, actor: Actor) -> tuple[Dataset, LogRows]:
    """A data set of what was asked and answered, and the count of what was left out.

    Raises InvalidInput if nothing of it can be learned, Forbidden.
    """
    if not actor.may("datasets:write"):
        raise Forbidden("This API key lacks the scope datasets:write.", code="missing_scope")
    if deployment.task_type == EMBEDDING:
        raise InvalidInput(
            f"{deployment.name} answers with vectors, which nothing can be trained on.", code="wrong_task"
        )
    logs = selectors.logs_for_rows(deployment, request.filter, only_successful=request.only_successful)
    rows = LogRows(
        logs,
        limit=request.limit,
        deduplicate=request.deduplicate,
        only_whole=request.only_successful,
        multi_label=bool(deployment.metadata.get("multi_label")),
    )
    if not rows.has_any():
        raise InvalidInput(
            "None of these logs has an answer to learn from. Choose others, or send some requests first.",
            code="no_rows",
        )
    dataset = create_dataset_from_rows(project=deployment.project, rows=rows, name=request.name, actor=actor)
    return dataset, rows


def purge() -> int:
    """Delete what is older than its deployment keeps it, and what deleted deployments left; how many."""
    has_logs = Exists(RequestLog.objects.filter(deployment=OuterRef("pk")))
    return sum(_delete(row, before=_cutoff(row)) for row in Deployment.objects.filter(has_logs))


def _cutoff(deployment: Deployment) -> datetime | None:
    if deployment.status in ENDED:
        return None
    return timezone.now() - timedelta(days=deployment.log_days)


def _delete(deployment: Deployment, *, before: datetime | None) -> int:
    """In pieces, so that no statement holds locks for long."""
    rows = RequestLog.objects.filter(deployment=deployment).order_by("id")
    if before is not None:
        rows = rows.filter(created_at__lt=before)
    count = 0
    while pks := list(rows.values_list("pk", flat=True)[:DELETE_BATCH]):
        count += RequestLog.objects.filter(pk__in=pks).delete()[0]
    return count
