"""`/openai/v1/fine_tuning/jobs`, as OpenAI's own clients use it."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from embassy.llama_stack.fine_tuning import selectors, services, shapes
from embassy.llama_stack.fine_tuning import serializers as wire
from embassy.llama_stack.models import FineTuningJob
from embassy.llama_stack.openai.dialects import Dialect, DialectView, mounted
from embassy.llama_stack.openai.pages import listing, page_of
from embassy.platform.actor import Actor
from embassy.platform.errors import InvalidInput
from embassy.platform.query import query_of
from embassy.projects.authentication import actor_of
from embassy.projects.idempotent import idempotent


class FineTuningJobList(DialectView):
    scope = "training"

    @extend_schema(
        summary="List fine-tuning jobs",
        parameters=[wire.PageQuerySerializer],
        responses={200: wire.JobListSerializer},
    )
    def get(self, request: Request) -> Response:
        query = query_of(request, wire.PageQuerySerializer)
        page = page_of(selectors.jobs_visible_to(actor_of(request)), **query)
        data = [shapes.job_body(job) for job in page.rows]
        return Response({"object": "list", "data": data, "has_more": page.has_more})

    @extend_schema(
        summary="Create a fine-tuning job",
        request=wire.CreateJobSerializer,
        responses={200: wire.JobSerializer},
    )
    @idempotent(atomic=False)
    def post(self, request: Request) -> Response:
        body = wire.CreateJobSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.request_for(request.headers.get("OpenAI-Project"))
        job = services.create_job(request=asked, actor=actor_of(request))
        return Response(shapes.job_body(job))


class JobView(DialectView):
    scope = "training"

    def job(self, request: Request, job_id: str) -> FineTuningJob:
        return selectors.get_job(actor_of(request), job_id)


class FineTuningJobDetail(JobView):
    @extend_schema(summary="Look at a fine-tuning job", responses={200: wire.JobSerializer})
    def get(self, request: Request, job_id: str) -> Response:
        return Response(shapes.job_body(self.job(request, job_id)))


class ActOnJob(JobView):
    """One verb; the answer is the job after it."""

    def act(self, request: Request, job_id: str, service: Callable[..., None]) -> Response:
        actor: Actor = actor_of(request)
        service(job=self.job(request, job_id), actor=actor)
        return Response(shapes.job_body(self.job(request, job_id)))


class CancelFineTuningJob(ActOnJob):
    @extend_schema(summary="Cancel a fine-tuning job", request=None, responses={200: wire.JobSerializer})
    def post(self, request: Request, job_id: str) -> Response:
        return self.act(request, job_id, services.cancel_job)


class PauseFineTuningJob(ActOnJob):
    @extend_schema(summary="Pause a fine-tuning job", request=None, responses={200: wire.JobSerializer})
    def post(self, request: Request, job_id: str) -> Response:
        return self.act(request, job_id, services.pause_job)


class ResumeFineTuningJob(ActOnJob):
    @extend_schema(summary="Resume a fine-tuning job", request=None, responses={200: wire.JobSerializer})
    def post(self, request: Request, job_id: str) -> Response:
        return self.act(request, job_id, services.resume_job)


class FineTuningEvents(JobView):
    @extend_schema(
        summary="List the events of a fine-tuning job, newest first",
        parameters=[wire.PageQuerySerializer],
        responses={200: wire.FineTuningEventListSerializer},
    )
    def get(self, request: Request, job_id: str) -> Response:
        query = query_of(request, wire.PageQuerySerializer)
        events = self.job(request, job_id).training_job.events.order_by("-id")
        if after := query.get("after"):
            events = events.filter(pk__lt=_event_pk(after))
        found = list(events[: query["limit"] + 1])
        data = [shapes.event_body(event) for event in found[: query["limit"]]]
        return Response({"object": "list", "data": data, "has_more": len(found) > query["limit"]})


class FineTuningCheckpoints(JobView):
    @extend_schema(
        summary="List the checkpoints of a fine-tuning job, newest first",
        parameters=[wire.PageQuerySerializer],
        responses={200: wire.FineTuningCheckpointListSerializer},
    )
    def get(self, request: Request, job_id: str) -> Response:
        query = query_of(request, wire.PageQuerySerializer)
        job = self.job(request, job_id)
        if after := query.pop("after", None):
            query["after"] = after.replace("ftckpt_", "ck-", 1)
        page = page_of(job.training_job.checkpoints.all(), **query)
        data: list[dict[str, Any]] = [shapes.checkpoint_body(job, row) for row in page.rows]
        return Response(listing(data, has_more=page.has_more))


def _event_pk(public_id: str) -> int:
    pk = public_id.removeprefix("ftevent-")
    if not (pk.isascii() and pk.isdigit()) or len(pk) > 18:
        raise InvalidInput(f"after: {public_id} is not the id of an event.", details={"field": "after"})
    return int(pk)


JOB = "fine_tuning/jobs/<str:job_id>"

urlpatterns = [
    *mounted("fine_tuning/jobs", FineTuningJobList, Dialect.OPENAI),
    *mounted(JOB, FineTuningJobDetail, Dialect.OPENAI),
    *mounted(f"{JOB}/cancel", CancelFineTuningJob, Dialect.OPENAI),
    *mounted(f"{JOB}/pause", PauseFineTuningJob, Dialect.OPENAI),
    *mounted(f"{JOB}/resume", ResumeFineTuningJob, Dialect.OPENAI),
    *mounted(f"{JOB}/events", FineTuningEvents, Dialect.OPENAI),
    *mounted(f"{JOB}/checkpoints", FineTuningCheckpoints, Dialect.OPENAI),
]
