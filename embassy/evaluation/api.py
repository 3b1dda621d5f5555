"""Test functions: the built-in ones, which nobody changes, and the organization's own."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from embassy.evaluation import registry, selectors, services
from embassy.evaluation.functions import ResolvedFunction, Row
from embassy.evaluation.models import TestFunction
from embassy.evaluation.serializers import (
    DryRunReportSerializer,
    DryRunSerializer,
    DryRunUnsavedSerializer,
    TestingFunctionDetailSerializer,
    TestingFunctionSerializer,
    WriteTestingFunctionSerializer,
)
from embassy.platform.actor import Actor
from embassy.platform.errors import Forbidden
from embassy.projects.authentication import actor_of
from embassy.projects.idempotent import idempotent


class TestingFunctionList(APIView):
    __test__ = False
    scope = "evaluation"

    @extend_schema(operation_id="listTestFunctions", responses=TestingFunctionSerializer(many=True))
    def get(self, request: Request) -> Response:
        functions = registry.list_functions(actor_of(request))
        return Response(TestingFunctionSerializer(functions, many=True).data)

    @extend_schema(
        operation_id="createTestFunction",
        request=WriteTestingFunctionSerializer,
        responses={status.HTTP_201_CREATED: TestingFunctionDetailSerializer},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        body = WriteTestingFunctionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        function = services.create_test_function(**body.validated_data, actor=actor_of(request))
        return Response(detail_of(function), status=status.HTTP_201_CREATED)


class TestingFunctionDetail(APIView):
    __test__ = False
    scope = "evaluation"

    @extend_schema(operation_id="retrieveTestFunction", responses=TestingFunctionDetailSerializer)
    def get(self, request: Request, name: str) -> Response:
        ours = registry.built_in(name)
        function = ours or selectors.get_function(actor_of(request), name)
        return Response(detail_of(function))

    @extend_schema(
        operation_id="updateTestFunction",
        request=WriteTestingFunctionSerializer(partial=True),
        responses=TestingFunctionDetailSerializer,
    )
    def patch(self, request: Request, name: str) -> Response:
        actor = actor_of(request)
        function = own_function(actor, name)
        body = WriteTestingFunctionSerializer(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        changed = services.update_test_function(function=function, **body.validated_data, actor=actor)
        return Response(detail_of(changed))

    @extend_schema(operation_id="deleteTestFunction", responses={status.HTTP_204_NO_CONTENT: None})
    def delete(self, request: Request, name: str) -> Response:
        actor = actor_of(request)
        services.delete_test_function(function=own_function(actor, name), actor=actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class DryRun(APIView):
    """Answers when the rows are scored, after half a minute at most."""

    scope = "evaluation"

    @extend_schema(
        operation_id="dryRunTestFunction", request=DryRunSerializer, responses=DryRunReportSerializer
    )
    def post(self, request: Request, name: str) -> Response:
        actor = actor_of(request)
        ours = registry.built_in(name)
        function = ours or registry.resolved(selectors.get_function(actor, name))
        body = DryRunSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return report_of(function, body.validated_data, actor)


class DryRunUnsaved(APIView):
    """The same for a source that is not stored, and is not stored by this."""

    scope = "evaluation"

    @extend_schema(
        operation_id="dryRunUnsavedTestFunction",
        request=DryRunUnsavedSerializer,
        responses=DryRunReportSerializer,
    )
    def post(self, request: Request) -> Response:
        body = DryRunUnsavedSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        function = services.check(
            content=values["content"],
            name=values.get("name"),
            dependencies=values.get("dependencies", ()),
        )
        return report_of(function, values, actor_of(request))


def own_function(actor: Actor, name: str) -> TestFunction:
    """Raises Forbidden for a built-in one, NotFound."""
    if registry.built_in(name) is not None:
        raise Forbidden(
            f"{name} is a built-in test function. Copy its source under another name to change it.",
            code="built_in",
        )
    return selectors.get_function(actor, name)


def report_of(function: ResolvedFunction, values: dict[str, Any], actor: Actor) -> Response:
    rows = [Row(**row) for row in values["rows"]]
    report = services.dry_run_test_function(function=function, rows=rows, actor=actor)
    return Response(DryRunReportSerializer(report).data)


def detail_of(function: ResolvedFunction | TestFunction) -> dict[str, Any]:
    return dict(TestingFunctionDetailSerializer(function).data)
