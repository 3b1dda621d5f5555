"""Puts the time that engines were up into the usage of what was deployed on them.

Up to where a run is counted is written in the transaction that adds the time, so an end at any moment
neither loses nor doubles any. What was deployed when is read from the events of deployments.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import transaction
from django.db.models.functions import Now

from embassy.deployments.models import Deployment
from embassy.deployments.states import ENDED, DeploymentStatus
from embassy.engines.models import EngineRun
from embassy.engines.models.run import UNCOUNTED
from embassy.inference import services, shares
from embassy.inference.shares import Interval
from embassy.inference.spending import Account, Total
from embassy.platform.models import Event

Present = dict[int, list[Interval]]  # by primary key of the deployment


def share_out() -> None:
    """Count all engine time up to now that is not in the usage yet."""
    for pk in EngineRun.objects.filter(UNCOUNTED).order_by("pk").values_list("pk", flat=True):
        count(run_pk=pk)


@transaction.atomic
def count(*, run_pk: int) -> None:
    """Nothing happens if it is counted already, or is being counted."""
    rows = EngineRun.objects.select_for_update(skip_locked=True).filter(UNCOUNTED, pk=run_pk)
    run = rows.annotate(now=Now()).first()
    if run is None or run.active_at is None:
        return
    since, until = run.counted_until or run.active_at, run.ended_at or run.now
    if since < until:
        _add(_deployments(run, since), since, until)
        EngineRun.objects.filter(pk=run.pk).update(counted_until=until)


def _deployments(run: EngineRun, since: datetime) -> list[Deployment]:
    rows = Deployment.objects.filter(engine_id=run.engine_id)
    rows = rows.exclude(status__in=ENDED, updated_at__lt=since)
    return list(rows.only("pk", "public_id", "organization_id", "project_id", "name"))


def _add(deployments: list[Deployment], since: datetime, until: datetime) -> None:
    present = _present(deployments, since, until)
    for begin, end in shares.hours(since.timestamp(), until.timestamp()):
        paid = shares.shares(begin, end, present)
        totals = {
            _account(deployment): Total(engine_milliseconds=round(paid[deployment.pk] * 1000))
            for deployment in deployments
            if paid[deployment.pk]
        }
        services.add_usage(totals=totals, at=datetime.fromtimestamp(begin, UTC))


def _present(deployments: Iterable[Deployment], since: datetime, until: datetime) -> Present:
    """When each was Deployed."""
    pks = {deployment.public_id: deployment.pk for deployment in deployments}
    events = Event.objects.filter(subject__in=pks, kind="deployment")
    before = events.filter(created_at__lt=since).order_by("subject", "-id").distinct("subject")
    at_first = {event.subject for event in before if event.target == DeploymentStatus.DEPLOYED}
    moves: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for event in events.filter(created_at__gte=since, created_at__lt=until).order_by("id"):
        moves[event.subject].append((event.created_at.timestamp(), event.target == DeploymentStatus.DEPLOYED))
    first, last = since.timestamp(), until.timestamp()
    return {
        pk: shares.intervals(first, last, subject in at_first, moves[subject]) for subject, pk in pks.items()
    }


def _account(deployment: Deployment) -> Account:
    """A key did not make it run: this is the deployment's own."""
    return Account(
        organization_pk=deployment.organization_id,
        project_pk=deployment.project_id,
        deployment_pk=deployment.pk,
        key_pk=None,
        model=deployment.name,
        deployment_id=deployment.public_id,
    )
