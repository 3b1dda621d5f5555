"""Training jobs, as the Emissary family shows them."""

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from embassy.platform.query import query_of
from embassy.projects.authentication import actor_of
from embassy.projects.idempotent import idempotent
from embassy.projects.selectors import get_project
from embassy.training import selectors, services
from embassy.training.models import TrainingJob
from embassy.training.serializers import (
    CheckpointSerializer,
    CreateGrpoJobSerializer,
    CreateJobFields,
    CreateTrainingJobSerializer,
    EventsQuerySerializer,
    JobEventSerializer,
    TrainingJobDetailSerializer,
    TrainingJobSummarySerializer,
)


class JobView(APIView):
    scope = "training"

    def job(self, request: Request, project_id: str, training_job_id: str) -> TrainingJob:
        actor = actor_of(request)
        return selectors.get_job(actor, get_project(actor, project_id), training_job_id)

    def create(self, request: Request, project_id: str, body: CreateJobFields) -> Response:
        actor = actor_of(request)
        project = get_project(actor, project_id)
        body.is_valid(raise_exception=True)
        job = services.create_training_job(project=project, request=body.request(), actor=actor)
        return Response(TrainingJobSummarySerializer(job).data, status=status.HTTP_201_CREATED)


class TrainingJobList(JobView):
    @extend_schema(operation_id="listTrainingJobs", responses=TrainingJobSummarySerializer(many=True))
    def get(self, request: Request, project_id: str) -> Response:
        actor = actor_of(request)
        jobs = selectors.jobs_of(actor, get_project(actor, project_id))
        return Response(TrainingJobSummarySerializer(jobs, many=True).data)

    @extend_schema(
        operation_id="createTrainingJob",
        request=CreateTrainingJobSerializer,
        responses={status.HTTP_201_CREATED: TrainingJobSummarySerializer},
    )
    @idempotent(atomic=False)
    def post(self, request: Request, project_id: str) -> Response:
        return self.create(request, project_id, CreateTrainingJobSerializer(data=request.data))


class GrpoJobCreate(JobView):
    """Jobs that learn from rewards: test functions score the answers that the model samples."""

    @extend_schema(
        operation_id="createGRPOTrainingJob",
        request=CreateGrpoJobSerializer,
        responses={status.HTTP_201_CREATED: TrainingJobSummarySerializer},
    )
    @idempotent(atomic=False)
    def post(self, request: Request, project_id: str) -> Response:
        return self.create(request, project_id, CreateGrpoJobSerializer(data=request.data))


class TrainingJobDetail(JobView):
    @extend_schema(operation_id="retrieveTrainingJobById", responses=TrainingJobDetailSerializer)
    def get(self, request: Request, project_id: str, training_job_id: str) -> Response:
        job = self.job(request, project_id, training_job_id)
        return Response(TrainingJobDetailSerializer(job).data)

    @extend_schema(operation_id="deleteTrainingJobById", responses={status.HTTP_204_NO_CONTENT: None})
    def delete(self, request: Request, project_id: str, training_job_id: str) -> Response:
        job = self.job(request, project_id, training_job_id)
        services.delete_training_job(job=job, actor=actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class TrainingJobCancel(JobView):
    @extend_schema(
        operation_id="cancelTrainingJobById", request=None, responses={status.HTTP_204_NO_CONTENT: None}
    )
    def post(self, request: Request, project_id: str, training_job_id: str) -> Response:
        job = self.job(request, project_id, training_job_id)
        services.cancel_training_job(job=job, actor=actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class CheckpointList(JobView):
    @extend_schema(operation_id="listCheckpoints", responses=CheckpointSerializer(many=True))
    def get(self, request: Request, project_id: str, training_job_id: str) -> Response:
        job = self.job(request, project_id, training_job_id)
        results = {result.number: result for result in selectors.results_of(job)}
        checkpoints = selectors.checkpoints_of(job).select_related("job")
        return Response(CheckpointSerializer(checkpoints, many=True, context={"results": results}).data)


class JobEventList(JobView):
    @extend_schema(
        operation_id="listTrainingJobEvents",
        parameters=[EventsQuerySerializer],
        responses=JobEventSerializer(many=True),
    )
    def get(self, request: Request, project_id: str, training_job_id: str) -> Response:
        query = query_of(request, EventsQuerySerializer)
        job = self.job(request, project_id, training_job_id)
        return Response(JobEventSerializer(selectors.events_of(job, **query), many=True).data)
