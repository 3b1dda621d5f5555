"""`GET /v1/usage` and its short form for a deployment, and the runs of an engine."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from embassy.engines.selectors import get_engine
from embassy.inference.reports import names
from embassy.inference.reports.answer import answer
from embassy.inference.reports.report import Question, report
from embassy.inference.reports.serializers import (
    EngineRunSerializer,
    PeriodSerializer,
    RunQuerySerializer,
    UsageQuerySerializer,
    UsageReportSerializer,
)
from embassy.platform.actor import Actor
from embassy.platform.query import query_of
from embassy.projects.authentication import actor_of
from embassy.projects.selectors import get_project


class UsageView(APIView):
    scope = "usage"

    @extend_schema(
        operation_id="getUsage",
        summary="What was used, by project, deployment, key, model, hour or day",
        parameters=[UsageQuerySerializer],
        responses=UsageReportSerializer,
    )
    def get(self, request: Request) -> Response:
        query = query_of(request, UsageQuerySerializer)
        actor = actor_of(request)
        return _answer(actor, query, **_narrowed(actor, query))


class DeploymentUsage(APIView):
    scope = "usage"

    @extend_schema(
        operation_id="getDeploymentUsage",
        summary="What one deployment was used for, and how fast it answered",
        parameters=[PeriodSerializer],
        responses=UsageReportSerializer,
    )
    def get(self, request: Request, project_id: str, deployment_id: str) -> Response:
        actor = actor_of(request)
        pk = names.deployment_pk(actor, deployment_id, get_project(actor, project_id))
        query = query_of(request, PeriodSerializer)
        return _answer(actor, query, deployment_pk=pk)


class EngineRuns(APIView):
    scope = "usage"

    @extend_schema(
        operation_id="listEngineRuns",
        summary="When an engine ran, where, and why each run ended; newest first",
        parameters=[RunQuerySerializer],
        responses=EngineRunSerializer(many=True),
    )
    def get(self, request: Request, engine_id: str) -> Response:
        engine = get_engine(actor_of(request), engine_id)
        query = query_of(request, RunQuerySerializer)
        rows = engine.runs.order_by("-id")[: query["limit"]]
        return Response(EngineRunSerializer(rows, many=True).data)


def _narrowed(actor: Actor, values: dict[str, Any]) -> dict[str, Any]:
    """Raises NotFound for what the actor cannot see."""
    found: dict[str, Any] = {"model": values.get("model")}
    if "project_id" in values:
        found["project_pk"] = get_project(actor, values["project_id"]).pk
    if "deployment_id" in values:
        found["deployment_pk"] = names.deployment_pk(actor, values["deployment_id"])
    if "key" in values:
        found["key_pk"] = names.key_pk(actor, values["key"])
    return found


def _answer(actor: Actor, values: dict[str, Any], **narrowed: Any) -> Response:
    question = Question(values["since"], values["until"], values["group_by"], **narrowed)
    return Response(UsageReportSerializer(answer(actor, question, report(actor, question))).data)
