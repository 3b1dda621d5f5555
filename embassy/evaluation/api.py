from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from embassy.evaluation import registry
from embassy.evaluation.serializers import TestingFunctionSerializer
from embassy.projects.authentication import actor_of


class TestingFunctionList(APIView):
    scope = "evaluation"

    @extend_schema(operation_id="listTestFunctions", responses=TestingFunctionSerializer(many=True))
    def get(self, request: Request) -> Response:
        functions = registry.list_functions(actor_of(request))
        return Response(TestingFunctionSerializer(functions, many=True).data)
