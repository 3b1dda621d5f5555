"""The machines that run engines. Here, not in engines/, because a host shows training jobs as well."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from embassy.deployments.host_reports import host_reports
from embassy.deployments.host_serializers import HostSerializer
from embassy.projects.authentication import actor_of


class HostList(APIView):
    scope = "engines"

    @extend_schema(
        operation_id="listHosts",
        description="For operators: what each host has, what runs on it, and whether it is alive.",
        responses=HostSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        return Response(HostSerializer(host_reports(actor_of(request)), many=True).data)
