"""An organization's own engines. They are here, not in engines/, because an engine shows its deployments."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from embassy.deployments import changes, selectors, services
from embassy.deployments.serializers import (
    CreateEngineSerializer,
    DeploymentSummarySerializer,
    DeployOnEngineSerializer,
    EngineDetailSerializer,
    EngineQuerySerializer,
    EngineSummarySerializer,
    UndeploySerializer,
    UpdateEngineSerializer,
)
from embassy.engines import selectors as engine_selectors
from embassy.engines import services as engines
from embassy.engines.models import Engine
from embassy.platform.actor import Actor
from embassy.platform.errors import Forbidden, InvalidInput, NotFound
from embassy.platform.query import query_of
from embassy.projects.authentication import actor_of
from embassy.projects.idempotent import idempotent
from embassy.projects.models import Project
from embassy.projects.roles import check_role
from embassy.projects.selectors import get_project


class EngineList(APIView):
    scope = "engines"

    @extend_schema(
        operation_id="listEngines",
        parameters=[EngineQuerySerializer],
        responses=EngineSummarySerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        query = query_of(request, EngineQuerySerializer)
        shown = selectors.engines_with_counts(actor_of(request)).filter(**query)
        return Response(EngineSummarySerializer(shown, many=True).data)

    @extend_schema(
        operation_id="createEngine",
        request=CreateEngineSerializer,
        responses={status.HTTP_201_CREATED: EngineSummarySerializer},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        actor = manager(request)
        body = CreateEngineSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        engine = services.create_engine(
            base_model=body.validated_data["base_model"],
            name=body.validated_data.get("name"),
            task_type=body.validated_data.get("task_type"),
            resource_management=body.validated_data.get("resource_management_config"),
            actor=actor,
        )
        shown = selectors.engines_with_counts(actor).get(pk=engine.pk)
        return Response(EngineSummarySerializer(shown).data, status=status.HTTP_201_CREATED)


class EngineDetail(APIView):
    scope = "engines"

    @extend_schema(operation_id="getEngine", responses=EngineDetailSerializer)
    def get(self, request: Request, engine_id: str) -> Response:
        return Response(self._shown(request, found(request, engine_id)))

    @extend_schema(
        operation_id="updateEngineById", request=UpdateEngineSerializer, responses=EngineDetailSerializer
    )
    def patch(self, request: Request, engine_id: str) -> Response:
        engine, actor = found(request, engine_id), manager(request)
        body = UpdateEngineSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        changes.change_engine(
            engine=engine,
            name=body.validated_data.get("name"),
            resource_management=body.validated_data.get("resource_management_config"),
            actor=actor,
        )
        return Response(self._shown(request, engine))

    @extend_schema(operation_id="deleteEngineById", responses={status.HTTP_204_NO_CONTENT: None})
    def delete(self, request: Request, engine_id: str) -> Response:
        services.delete_engine(engine=found(request, engine_id), actor=manager(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _shown(self, request: Request, engine: Engine) -> Any:
        deployments = selectors.deployments_on(actor_of(request), engine)
        return EngineDetailSerializer(engine, context={"deployments": deployments}).data


class DeployOnEngine(APIView):
    scope = "deployments"
    names_project = True

    @extend_schema(
        operation_id="deployOnEngine",
        request=DeployOnEngineSerializer,
        responses={status.HTTP_201_CREATED: DeploymentSummarySerializer},
    )
    @idempotent()
    def post(self, request: Request, engine_id: str) -> Response:
        engine = found(request, engine_id)
        body = DeployOnEngineSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        deployment = services.create_deployment(
            project=named_project(request, body.validated_data["project_id"]),
            request=body.request(),
            actor=actor_of(request),
            engine=engine,
        )
        return Response(DeploymentSummarySerializer(deployment).data, status=status.HTTP_201_CREATED)


class UndeployFromEngine(APIView):
    scope = "deployments"
    names_project = True

    @extend_schema(
        operation_id="unDeployFromEngine",
        request=UndeploySerializer,
        responses={status.HTTP_204_NO_CONTENT: None},
    )
    def post(self, request: Request, engine_id: str) -> Response:
        engine, actor = found(request, engine_id), actor_of(request)
        body = UndeploySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        deployment = selectors.find_on_engine(actor, engine, body.validated_data["deployment_name"])
        check_role(actor, deployment.project_id)
        services.delete_deployment(deployment=deployment, actor=actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ReactivateEngine(APIView):
    scope = "engines"

    @extend_schema(
        operation_id="reactivateEngineById", request=None, responses={status.HTTP_204_NO_CONTENT: None}
    )
    def post(self, request: Request, engine_id: str) -> Response:
        engines.activate(engine=found(request, engine_id), actor=manager(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class DeactivateEngine(APIView):
    scope = "engines"

    @extend_schema(
        operation_id="deactivateEngineById", request=None, responses={status.HTTP_204_NO_CONTENT: None}
    )
    def post(self, request: Request, engine_id: str) -> Response:
        engines.deactivate(engine=found(request, engine_id), actor=manager(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def found(request: Request, engine_id: str) -> Engine:
    return engine_selectors.get_engine(actor_of(request), engine_id)


def manager(request: Request) -> Actor:
    """Who asks, if the key may manage what belongs to the whole organization. Raises Forbidden."""
    actor = actor_of(request)
    if actor.projects is not None:
        raise Forbidden(
            "This API key is limited to projects, and engines belong to the organization."
            " Use a key for all of it.",
            code="project_key",
        )
    return actor


def named_project(request: Request, project_id: str) -> Project:
    """Raises InvalidInput, and Forbidden where the role in that project allows to look only."""
    actor = actor_of(request)
    try:
        project = get_project(actor, project_id)
    except NotFound as error:
        # It was named in the body, so the request is wrong, not the address.
        raise InvalidInput(f"project_id: {error.message}", code=error.code) from None
    check_role(actor, project.pk)
    return project
