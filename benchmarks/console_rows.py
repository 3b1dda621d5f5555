"""Rows of an organization that has used the platform for long: as many as one asks for, made in bulk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

from django.db import connection
from django.utils import timezone

from embassy.datasets.models import Dataset
from embassy.deployments.models import Deployment
from embassy.deployments.states import DeploymentStatus
from embassy.engines.models import Engine, EngineKind
from embassy.evaluation.models import TestFunction
from embassy.inference.models import RequestLog
from embassy.platform.ids import new_id
from embassy.projects.models import ApiKey, AuditEvent, Membership, Organization, Project, Role, User
from embassy.training.models import Checkpoint, JobEvent, LossPoint, TestResult, TrainingJob, TrainingUsage
from embassy.training.states import JobStatus

BATCH = 5_000
STATUSES = (JobStatus.SUCCESS, JobStatus.FAILED, JobStatus.CANCELLED)
HOUR = timedelta(hours=1)
LATENCY_BUCKETS = 8
_numbers = count(1)


@dataclass(frozen=True)
class Sizes:
    projects: int = 50
    people: int = 100
    keys: int = 200
    datasets: int = 1_000
    jobs: int = 10_000
    checkpoints: int = 3  # of each job
    events: int = 20  # of each job
    big_events: int = 5_000  # of the newest job, and as many points of its curve
    deployments: int = 500
    engines: int = 50
    logs: int = 10_000
    test_functions: int = 100
    audit: int = 10_000
    usage: int = 1_000_000


@dataclass(frozen=True)
class Made:
    """The newest ones, of the project that has half of everything; `other` is another job of it."""

    job: TrainingJob
    other: TrainingJob
    dataset: Dataset
    deployment: Deployment
    engine: Engine


def make_rows(project: Project, sizes: Sizes) -> Made:
    """In the organization of the project, which gets half of what belongs to projects."""
    organization, user = project.organization, project.created_by
    projects = [project, *_projects(organization, user, sizes.projects - 1)]
    _people(organization, sizes.people)
    _keys(organization, user, sizes.keys)
    _functions(organization, user, sizes.test_functions)
    _audit(organization, user, sizes.audit)
    datasets = _datasets(projects, user, sizes.datasets)
    jobs = _jobs(projects, user, sizes)
    engines = _engines(organization, sizes.engines)
    deployments = _deployments(projects, user, engines, jobs, sizes.deployments)
    _logs(deployments[-1], sizes.logs)
    _usage(organization, sizes.usage)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return Made(jobs[-1], _other(jobs), datasets[-1], deployments[-1], engines[-1])


def _other(jobs: Sequence[TrainingJob]) -> TrainingJob:
    return next((job for job in reversed(jobs[:-1]) if job.project_id == jobs[-1].project_id), jobs[-1])


def _all(rows: Iterator[Any]) -> list[Any]:
    """Stored, in batches."""
    made = list(rows)
    if made:
        type(made[0])._default_manager.bulk_create(made, batch_size=BATCH)
    return made


def _half(rows: Sequence[Any], number: int) -> Any:
    """The first for every other number; the newest is always its."""
    return rows[0] if number % 2 == 0 or len(rows) == 1 else rows[1 + number // 2 % (len(rows) - 1)]


def _downwards(amount: int) -> Iterator[int]:
    """Ends with 0, which is even."""
    return iter(range(amount - 1, -1, -1))


def _projects(organization: Organization, user: User, amount: int) -> list[Project]:
    return _all(
        Project(organization=organization, name=f"Team {next(_numbers)}", created_by=user)
        for _ in range(amount)
    )


def _people(organization: Organization, amount: int) -> None:
    users = _all(User(email=f"person{next(_numbers)}@rows.example.com", password="!") for _ in range(amount))
    _all(Membership(organization=organization, user=user, role=Role.MEMBER) for user in users)


def _keys(organization: Organization, user: User, amount: int) -> None:
    _all(
        ApiKey(
            organization=organization,
            user=user,
            name=f"key {next(_numbers)}",
            prefix=new_id("")[:12],
            digest="0" * 64,
        )
        for _ in range(amount)
    )


def _functions(organization: Organization, user: User, amount: int) -> None:
    _all(
        TestFunction(
            organization=organization, name=f"function_{next(_numbers)}", content="", created_by=user
        )
        for _ in range(amount)
    )


def _audit(organization: Organization, user: User, amount: int) -> None:
    _all(
        AuditEvent(organization=organization, user=user, verb="dataset.created", subject=new_id("ds-"))
        for _ in range(amount)
    )


def _datasets(projects: Sequence[Project], user: User, amount: int) -> list[Dataset]:
    return _all(
        Dataset(
            project=_half(projects, number),
            name=f"Tickets {next(_numbers)}",
            kind="prompts",
            format="csv",
            file_name="tickets.csv",
            original_key=f"datasets/{number}/original",
            original_bytes=100_000,
            original_sha256="0" * 64,
            rows_key=f"datasets/{number}/rows",
            revision="0" * 64,
            row_count=1000,
            created_by=user,
        )
        for number in _downwards(amount)
    )


def _jobs(projects: Sequence[Project], user: User, sizes: Sizes) -> list[TrainingJob]:
    now = timezone.now()
    jobs: list[TrainingJob] = _all(
        TrainingJob(
            project=_half(projects, number),
            created_by=user,
            name=f"tickets-{next(_numbers)}",
            base_model="tiny-llama-instruct",
            status=STATUSES[number % len(STATUSES)],
            progress=100,
            seconds_used=600,
            started_at=now - number * HOUR / 10,
            finished_at=now - number * HOUR / 10,
            datasets={"train": {"id": "ds-1", "name": "train", "created_at": 1, "is_uploaded": True}},
        )
        for number in _downwards(sizes.jobs)
    )
    _all(row for job in jobs for row in _results(job, sizes.checkpoints))
    _all(_event(job, seq) for job in jobs for seq in range(sizes.events))
    _all(_event(jobs[-1], seq) for seq in range(sizes.events, sizes.big_events))
    _all(LossPoint(job=jobs[-1], step=step, at=now, loss=2 / (step + 1)) for step in range(sizes.big_events))
    _all(
        TestResult(job=job, number=number, rows_key="", rows=100, scores={"exact_match": number / 10})
        for job in jobs
        for number in range(sizes.checkpoints + 1)
    )
    _all(
        TrainingUsage(
            organization_pk=job.project.organization_id,
            project_pk=job.project_id,
            job_pk=job.pk,
            user_pk=user.pk,
            attempt=1,
            hour=_hour(job.finished_at),
            seconds=600,
        )
        for job in jobs
    )
    return jobs


def _results(job: TrainingJob, amount: int) -> Iterator[Checkpoint]:
    for number in range(1, amount + 1):
        key = f"{job.prefix}checkpoints/{number}.tar.gz"
        yield Checkpoint(job=job, number=number, step=10 * number, archive_key=key, sha256="0", size_bytes=1)


def _event(job: TrainingJob, seq: int) -> JobEvent:
    kind = "step" if seq % 2 else "log"
    data = {"step": seq, "loss": 1.5, "message": "said something"}
    return JobEvent(job=job, attempt=1, seq=seq, kind=kind, at=timezone.now(), data=data)


def _engines(organization: Organization, amount: int) -> list[Engine]:
    return _all(
        Engine(
            organization=organization,
            name=f"engine {next(_numbers)}",
            automatic=False,
            base_model="tiny-llama-instruct",
            task_type="text-generation",
            kind=EngineKind.GENERATE,
            dtype="float32",
            max_model_len=1024,
        )
        for _ in range(amount)
    )


def _deployments(
    projects: Sequence[Project],
    user: User,
    engines: Sequence[Engine],
    jobs: Sequence[TrainingJob],
    amount: int,
) -> list[Deployment]:
    now = timezone.now()
    return _all(
        Deployment(
            organization=projects[0].organization,
            project=_half(projects, number),
            name=f"assistant-{next(_numbers)}",
            created_by=user,
            training_job=jobs[-1 - number % len(jobs)],
            checkpoint=1,
            base_model="tiny-llama-instruct",
            task_type="text-generation",
            engine=engines[-1 - number % len(engines)],
            status=DeploymentStatus.DEACTIVATED,
            began_at=now,
            woken_at=now,
            inactive_timeout=3600,
        )
        for number in _downwards(amount)
    )


def _logs(deployment: Deployment, amount: int) -> None:
    now = timezone.now()
    _all(
        RequestLog(
            deployment=deployment,
            request_id=f"rq-{number}",
            endpoint="chat.completions",
            status=200,
            request={"messages": [{"role": "user", "content": "Where is Paris?"}]},
            response={"choices": []},
            input="Where is Paris?",
            output="In France.",
            milliseconds=12.5,
            created_at=now - number * HOUR / 60,
        )
        for number in _downwards(amount)
    )


def _hour(time: Any) -> Any:
    return time.replace(minute=0, second=0, microsecond=0)


def _usage(organization: Organization, amount: int) -> None:
    """Every deployment was used in every hour up to now, by one key, until there are enough rows."""
    values = [organization.pk, organization.pk, amount]
    with connection.cursor() as cursor:
        cursor.execute(_USAGE, values)
        cursor.execute(_DAYS, [organization.pk])
        cursor.execute(_LATENCIES, [LATENCY_BUCKETS, organization.pk])


_USAGE = """
    INSERT INTO inference_usage (organization_pk, project_pk, deployment_pk, key_pk, model, hour, requests,
        errors, prompt_tokens, completion_tokens, milliseconds, engine_milliseconds)
    SELECT deployment.organization_id, deployment.project_id, deployment.id,
        keys.pks[1 + mod(deployment.id, cardinality(keys.pks))], deployment.name,
        date_trunc('hour', now()) - ago * interval '1 hour',
        100, mod(ago, 3), 10000, 5000, 40000, 60000
    FROM generate_series(0, 100000) ago, deployments_deployment deployment,
        (SELECT array_agg(id) pks FROM projects_apikey WHERE organization_id = %s) keys
    WHERE deployment.organization_id = %s ORDER BY ago LIMIT %s
    ON CONFLICT DO NOTHING
"""
_DAYS = """
    INSERT INTO inference_usageday (organization_pk, project_pk, deployment_pk, key_pk, model, day, requests,
        errors, prompt_tokens, completion_tokens, milliseconds, engine_milliseconds)
    SELECT organization_pk, project_pk, deployment_pk, key_pk, model, date_trunc('day', hour, 'UTC'),
        sum(requests), sum(errors), sum(prompt_tokens), sum(completion_tokens), sum(milliseconds),
        sum(engine_milliseconds)
    FROM inference_usage WHERE organization_pk = %s GROUP BY 1, 2, 3, 4, 5, 6
    ON CONFLICT DO NOTHING
"""
_LATENCIES = """
    INSERT INTO inference_latency (organization_pk, project_pk, deployment_pk, key_pk, model, hour, kind,
        bucket, count)
    SELECT organization_pk, project_pk, deployment_pk, key_pk, model, hour, 'whole', bucket, 10
    FROM inference_usage, generate_series(1, %s) bucket
    WHERE organization_pk = %s AND hour > now() - interval '7 days'
    ON CONFLICT DO NOTHING
"""
