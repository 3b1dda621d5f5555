"""What is done to a training job, and seen of it, while it lives."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from embassy.platform.errors import NotFound
from embassy.platform.query import query_of
from embassy.projects.authentication import actor_of
from embassy.training import logs, pauses
from embassy.training.api import JobView

_NOTHING = {status.HTTP_204_NO_CONTENT: None}


class TrainingJobPause(JobView):
    """A waiting job is paused at once; a running one stores its state first, within its current step."""

    @extend_schema(operation_id="pauseTrainingJobById", request=None, responses=_NOTHING)
    def post(self, request: Request, project_id: str, training_job_id: str) -> Response:
        job = self.job(request, project_id, training_job_id)
        pauses.pause_training_job(job=job, actor=actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class TrainingJobResume(JobView):
    """It goes on from where it was paused, on whichever host is free."""

    @extend_schema(operation_id="resumeTrainingJobById", request=None, responses=_NOTHING)
    def post(self, request: Request, project_id: str, training_job_id: str) -> Response:
        job = self.job(request, project_id, training_job_id)
        pauses.resume_training_job(job=job, actor=actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class LogQuerySerializer(serializers.Serializer[Any]):
    attempt = serializers.IntegerField(
        required=False, min_value=1, help_text="The newest one that has a log, if left out."
    )
    offset = serializers.IntegerField(default=0, min_value=0, help_text="In bytes: the last next_offset.")


class LogSerializer(serializers.Serializer[Any]):
    """A piece of what the trainer said, at most 256 KB. While it runs, ask again from `next_offset`."""

    attempt = serializers.IntegerField()
    attempts = serializers.ListField(child=serializers.IntegerField(), help_text="Those that have a log.")
    offset = serializers.IntegerField()
    next_offset = serializers.IntegerField()
    size = serializers.IntegerField(help_text="Bytes that the log has so far.")
    text = serializers.CharField()


class TrainingJobLogs(JobView):
    @extend_schema(
        operation_id="readTrainingJobLog", parameters=[LogQuerySerializer], responses=LogSerializer
    )
    def get(self, request: Request, project_id: str, training_job_id: str) -> Response:
        query = query_of(request, LogQuerySerializer)
        job = self.job(request, project_id, training_job_id)
        attempts = logs.attempts_of(job)
        attempt = query.get("attempt") or max(attempts, default=0)
        if attempt not in attempts:
            raise NotFound(
                f"Training job {job.name} has no log of attempt {attempt or 'one'} yet.", code="no_log"
            )
        piece = logs.read(job, attempt=attempt, offset=query["offset"])
        return Response(LogSerializer({**vars(piece), "attempts": attempts}).data)
