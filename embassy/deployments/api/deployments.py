"""Deployments of a project."""

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from embassy.deployments import changes, selectors, services
from embassy.deployments.models import Deployment
from embassy.deployments.serializers import (
    CreateDeploymentSerializer,
    DeploymentDetailSerializer,
    DeploymentQuerySerializer,
    DeploymentSummarySerializer,
    UpdateDeploymentSerializer,
)
from embassy.platform.query import query_of
from embassy.projects.authentication import actor_of
from embassy.projects.idempotent import idempotent
from embassy.projects.selectors import get_project


class DeploymentList(APIView):
    scope = "deployments"

    @extend_schema(
        operation_id="listDeployments",
        parameters=[DeploymentQuerySerializer],
        responses=DeploymentSummarySerializer(many=True),
    )
    def get(self, request: Request, project_id: str) -> Response:
        actor = actor_of(request)
        deployments = selectors.deployments_of(actor, get_project(actor, project_id))
        query = query_of(request, DeploymentQuerySerializer)
        shown = deployments.filter(**query)
        return Response(DeploymentSummarySerializer(shown, many=True).data)

    @extend_schema(
        operation_id="createDeployment",
        request=CreateDeploymentSerializer,
        responses={status.HTTP_201_CREATED: DeploymentSummarySerializer},
    )
    @idempotent()
    def post(self, request: Request, project_id: str) -> Response:
        actor = actor_of(request)
        project = get_project(actor, project_id)
        body = CreateDeploymentSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        deployment = services.create_deployment(project=project, request=body.request(), actor=actor)
        return Response(DeploymentSummarySerializer(deployment).data, status=status.HTTP_201_CREATED)


class DeploymentDetail(APIView):
    scope = "deployments"

    @extend_schema(operation_id="retrieveDeploymentById", responses=DeploymentDetailSerializer)
    def get(self, request: Request, project_id: str, deployment_id: str) -> Response:
        return Response(DeploymentDetailSerializer(found(request, project_id, deployment_id)).data)

    @extend_schema(
        operation_id="updateDeploymentById",
        request=UpdateDeploymentSerializer,
        responses=DeploymentDetailSerializer,
    )
    @transaction.atomic
    def patch(self, request: Request, project_id: str, deployment_id: str) -> Response:
        deployment = found(request, project_id, deployment_id)
        body = UpdateDeploymentSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        changes.change_deployment(deployment=deployment, changes=body.changes(), actor=actor_of(request))
        services.change_logging(
            deployment=deployment,
            log_requests=body.validated_data.get("log_requests"),
            log_days=body.validated_data.get("log_retention_days"),
            actor=actor_of(request),
        )
        return Response(DeploymentDetailSerializer(deployment).data)

    @extend_schema(operation_id="deleteDeploymentById", responses={status.HTTP_204_NO_CONTENT: None})
    def delete(self, request: Request, project_id: str, deployment_id: str) -> Response:
        deployment = found(request, project_id, deployment_id)
        services.delete_deployment(deployment=deployment, actor=actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ReactivateDeployment(APIView):
    scope = "deployments"

    @extend_schema(
        operation_id="reactivateDeploymentById", request=None, responses={status.HTTP_204_NO_CONTENT: None}
    )
    def post(self, request: Request, project_id: str, deployment_id: str) -> Response:
        deployment = found(request, project_id, deployment_id)
        services.reactivate(deployment=deployment, actor=actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class DeactivateDeployment(APIView):
    scope = "deployments"

    @extend_schema(
        operation_id="deactivateDeploymentById", request=None, responses={status.HTTP_204_NO_CONTENT: None}
    )
    def post(self, request: Request, project_id: str, deployment_id: str) -> Response:
        deployment = found(request, project_id, deployment_id)
        services.deactivate(deployment=deployment, actor=actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def found(request: Request, project_id: str, deployment_id: str) -> Deployment:
    actor = actor_of(request)
    return selectors.get_deployment(actor, get_project(actor, project_id), deployment_id)
