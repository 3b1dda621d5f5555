"""Spans of training: one for each attempt, and one for the whole job when it has ended. All are one trace."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import Span, Status, StatusCode

from embassy.platform import tracing
from embassy.training.models import TrainingJob
from embassy.training.states import JobStatus

FAILED = (JobStatus.FAILED, JobStatus.TIMED_OUT)
NS = 1_000_000_000


@contextmanager
def attempt(job_pk: int) -> Iterator[None]:
    """A job that this worker did not get to run leaves a span of no length, and nothing else."""
    before = TrainingJob.objects.filter(pk=job_pk).first() if tracing.provider() is not None else None
    if before is None:
        yield
        return
    with tracing.work("training attempt", subject=before.public_id, attributes={}) as span:
        try:
            yield
        finally:
            job = TrainingJob.objects.filter(pk=job_pk).first()
            if job is not None and span is not None:
                _describe(span, job)
                if job.finished_at is not None and before.finished_at is None:
                    _whole(job)


def _whole(job: TrainingJob) -> None:
    """From when somebody asked for it to its end."""
    tracer = tracing.tracer()
    if tracer is None or job.finished_at is None:
        return
    began, ended = (round(at.timestamp() * NS) for at in (job.created_at, job.finished_at))
    span = tracer.start_span(
        f"training {job.technique}", context=tracing.context_of(job.public_id), start_time=began
    )
    _describe(span, job)
    span.end(end_time=ended)


def _describe(span: Span, job: TrainingJob) -> None:
    span.set_attributes(
        {
            "embassy.training_job.id": job.public_id,
            "embassy.training_job.status": job.status,
            "embassy.training_job.attempt": job.attempts,
            "embassy.training_job.technique": job.technique,
            "embassy.training_job.base_model": job.base_model,
            "embassy.training_job.seconds": job.seconds_used,
        }
    )
    if job.status in FAILED:
        span.set_attribute("error.type", job.code or job.status)
        span.set_status(Status(StatusCode.ERROR))
