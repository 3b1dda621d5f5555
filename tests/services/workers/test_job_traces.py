"""Spans of training jobs."""

import pytest
from django.utils import timezone
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from embassy.platform import tracing
from embassy.training.models import TrainingJob
from embassy.workers.job_traces import attempt
from tests.factories.deployments import ago, make_job
from tests.factories.projects import make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = tracing.provider_for(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "provider", lambda: provider)
    return exporter


@pytest.fixture
def job() -> TrainingJob:
    job = make_job(make_project(), status="Running")
    TrainingJob.objects.update(created_at=ago(90))
    return job


def test_attempts_and_the_whole_job_are_one_trace(exporter: InMemorySpanExporter, job: TrainingJob) -> None:
    with attempt(job.pk):
        pass
    with attempt(job.pk):
        TrainingJob.objects.filter(pk=job.pk).update(status="Failed", finished_at=timezone.now())
    spans = exporter.get_finished_spans()
    assert sorted(span.name for span in spans) == ["training SFT", "training attempt", "training attempt"]
    assert len({span.context.trace_id for span in spans if span.context}) == 1
    whole = next(span for span in spans if span.name == "training SFT")
    assert 85e9 < (whole.end_time or 0) - (whole.start_time or 0) < 300e9
    assert whole.status.status_code is StatusCode.ERROR
    assert (whole.attributes or {})["embassy.training_job.id"] == job.public_id


def test_an_exception_is_passed_on(exporter: InMemorySpanExporter, job: TrainingJob) -> None:
    with pytest.raises(ZeroDivisionError), attempt(job.pk):
        _ = 1 / 0
    assert exporter.get_finished_spans()[0].status.status_code is StatusCode.ERROR


def test_costs_nothing_when_it_is_off(job: TrainingJob, django_assert_num_queries: object) -> None:
    assert tracing.provider() is None
    with django_assert_num_queries(0), attempt(job.pk):  # type: ignore[operator]
        pass
