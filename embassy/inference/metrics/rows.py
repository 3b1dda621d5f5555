"""Gauges read from the rows at each scrape: few queries, whatever there is."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q, QuerySet, Sum
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from embassy.deployments.models import Deployment, Wake, WakeOutcome
from embassy.deployments.states import DeploymentStatus
from embassy.engines import hosts, selectors
from embassy.engines.models import Engine
from embassy.inference.metrics.audience import Audience
from embassy.training.models import TrainingJob
from embassy.training.states import JobStatus

Rows = QuerySet[Any, Any]


class RowCollector(Collector):
    def __init__(self, audience: Audience) -> None:
        self._audience = audience

    def collect(self) -> Iterator[Metric]:
        jobs = TrainingJob.objects.filter(self._of_projects())
        yield _by_status("embassy_training_jobs", "Training jobs.", jobs, JobStatus.values)
        deployments = Deployment.objects.filter(self._of_projects())
        yield _by_status("embassy_deployments", "Deployments.", deployments, DeploymentStatus.values)
        yield self._engines()
        yield self._waiting(jobs)
        yield from self._wakes()
        if self._audience.is_operator:
            yield _hosts()

    def _engines(self) -> Metric:
        told = "Engines by status, and by the host that has them."
        family = GaugeMetricFamily("embassy_engines", told, labels=("status", "host"))
        rows = self._own_engines().order_by().values_list("status", "host_name")
        for status, host, count in rows.annotate(count=Count("pk")):
            family.add_metric((status, host), count)
        return family

    def _waiting(self, jobs: Rows) -> Metric:
        """Of what waits for a worker, for how long the first has."""
        told = "Age of the job and of the engine that has waited longest for a worker; 0: none waits."
        family = GaugeMetricFamily("embassy_oldest_waiting_seconds", told, labels=("kind",))
        waiting = jobs.filter(status=JobStatus.PENDING).aggregate(at=Min("created_at"))["at"]
        family.add_metric(("training_job",), _age(waiting))
        own = selectors.waiting().filter(pk__in=self._own_engines().values("pk"))
        family.add_metric(("engine",), _age(own.aggregate(at=Min("woken_at"))["at"]))
        return family

    def _wakes(self) -> Iterator[Metric]:
        """From the rows, so they count wakes of all gateways, and fall when old rows are removed."""
        wakes = Wake.objects.exclude(outcome=WakeOutcome.WAITING)
        if (actor := self._audience.actor) is not None:
            own = Deployment.objects.filter(organization_id=actor.organization_id)
            own = own if actor.projects is None else own.filter(project__in=actor.projects)
            wakes = wakes.filter(deployment__in=own)
        count = CounterMetricFamily(
            "embassy_wakes", "Wakes by cause and outcome.", labels=("cause", "outcome")
        )
        seconds = CounterMetricFamily("embassy_wake_seconds", "Time of wakes.", labels=("cause", "outcome"))
        grouped = wakes.order_by().values_list("cause", "outcome")
        for cause, outcome, wakes_count, total in grouped.annotate(n=Count("pk"), total=Sum("seconds")):
            count.add_metric((cause, outcome), wakes_count)
            seconds.add_metric((cause, outcome), total or 0)
        yield count
        yield seconds

    def _of_projects(self) -> Q:
        """Rows of projects that this audience sees."""
        actor = self._audience.actor
        if actor is None:
            return Q()
        own = Q(project__organization_id=actor.organization_id)
        return own if actor.projects is None else own & Q(project__in=actor.projects)

    def _own_engines(self) -> "QuerySet[Engine, Engine]":
        actor = self._audience.actor
        if actor is None:
            return Engine.objects.filter(deleted_at=None)
        return selectors.engines_visible_to(actor)


def _by_status(name: str, told: str, rows: Rows, statuses: Sequence[str]) -> Metric:
    """Every status, so that one that empties falls to 0."""
    family = GaugeMetricFamily(name, told, labels=("status",))
    counts = dict(rows.order_by().values_list("status").annotate(count=Count("pk")))
    for status in statuses:
        family.add_metric((status,), counts.get(status, 0))
    return family


def _hosts() -> Metric:
    told = "Machines with engine workers: 1 is alive, 0 was not heard of lately."
    family = GaugeMetricFamily("embassy_host_alive", told, labels=("host",))
    for host in hosts.known():
        family.add_metric((host.name,), int(hosts.is_alive(host)))
    return family


def _age(since: datetime | None) -> float:
    return 0.0 if since is None else max(0.0, (timezone.now() - since).total_seconds())
