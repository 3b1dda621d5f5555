from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from embassy.catalog import selectors
from embassy.catalog.serializers import BaseModelDetailSerializer, BaseModelSerializer


class BaseModelList(APIView):
    scope = "models"

    @extend_schema(operation_id="listBaseModels", responses=BaseModelSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response(BaseModelSerializer(selectors.list_base_models(), many=True).data)


class BaseModelDetail(APIView):
    scope = "models"

    @extend_schema(operation_id="retrieveBaseModelByName", responses=BaseModelDetailSerializer)
    def get(self, request: Request, base_model_name: str) -> Response:
        return Response(BaseModelDetailSerializer(selectors.get_base_model(base_model_name)).data)
