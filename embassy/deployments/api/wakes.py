"""What woke a deployment, and how long it took."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from embassy.deployments.api.deployments import found
from embassy.deployments.wake_serializers import WakeQuerySerializer, WakeSerializer
from embassy.deployments.wake_times import wakes_of
from embassy.platform.query import query_of


class DeploymentWakes(APIView):
    scope = "deployments"

    @extend_schema(
        operation_id="listDeploymentWakes",
        description="Newest first. One wake is one row, however many requests waited for it.",
        parameters=[WakeQuerySerializer],
        responses=WakeSerializer(many=True),
    )
    def get(self, request: Request, project_id: str, deployment_id: str) -> Response:
        deployment = found(request, project_id, deployment_id)
        query = query_of(request, WakeQuerySerializer)
        rows = wakes_of(deployment)[: query["limit"]]
        return Response(WakeSerializer(rows, many=True).data)
