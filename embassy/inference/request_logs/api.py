"""The logs of one deployment."""

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from embassy.deployments import selectors as deployments
from embassy.deployments.models import Deployment
from embassy.inference.request_logs import selectors, services
from embassy.inference.request_logs.serializers import (
    DatasetFromLogsSerializer,
    DeletedLogsSerializer,
    DeleteLogsSerializer,
    LogDatasetSerializer,
    LogDetailSerializer,
    LogPageSerializer,
    PageSerializer,
    filter_of,
)
from embassy.platform.query import query_of
from embassy.projects.authentication import actor_of
from embassy.projects.idempotent import idempotent
from embassy.projects.selectors import get_project


class LogList(APIView):
    scope = "deployments"

    @extend_schema(
        operation_id="listRequestLogs",
        summary="List what a deployment was asked, newest first",
        parameters=[PageSerializer],
        responses=LogPageSerializer,
    )
    def get(self, request: Request, project_id: str, deployment_id: str) -> Response:
        deployment = found(request, project_id, deployment_id)
        query = query_of(request, PageSerializer)
        logs, following = selectors.page_of(
            deployment, filter_of(query), before=query.get("before"), limit=query["limit"]
        )
        return Response(LogPageSerializer({"logs": logs, "next": following}).data)

    @extend_schema(
        operation_id="deleteRequestLogs",
        summary="Delete all logs of a deployment, or the older ones",
        parameters=[DeleteLogsSerializer],
        responses=DeletedLogsSerializer,
    )
    def delete(self, request: Request, project_id: str, deployment_id: str) -> Response:
        deployment = found(request, project_id, deployment_id)
        query = query_of(request, DeleteLogsSerializer)
        deleted = services.delete_logs(
            deployment=deployment,
            older_than=query.get("older_than"),
            actor=actor_of(request),
        )
        return Response({"deleted": deleted})


class LogDetail(APIView):
    scope = "deployments"

    @extend_schema(operation_id="retrieveRequestLogById", responses=LogDetailSerializer)
    def get(self, request: Request, project_id: str, deployment_id: str, log_id: str) -> Response:
        deployment = found(request, project_id, deployment_id)
        return Response(LogDetailSerializer(selectors.get_log(deployment, log_id)).data)


class LogDataset(APIView):
    scope = "deployments"

    @extend_schema(
        operation_id="createDatasetFromRequestLogs",
        summary="Make a data set of what a deployment was asked and answered",
        request=DatasetFromLogsSerializer,
        responses={status.HTTP_201_CREATED: LogDatasetSerializer},
    )
    @idempotent(atomic=False)
    def post(self, request: Request, project_id: str, deployment_id: str) -> Response:
        deployment = found(request, project_id, deployment_id)
        body = DatasetFromLogsSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        dataset, rows = services.make_dataset(
            deployment=deployment, request=body.request(), actor=actor_of(request)
        )
        shown = LogDatasetSerializer(dataset, context={"rows": rows})
        return Response(shown.data, status=status.HTTP_201_CREATED)


def found(request: Request, project_id: str, deployment_id: str) -> Deployment:
    actor = actor_of(request)
    return deployments.get_deployment(actor, get_project(actor, project_id), deployment_id)
