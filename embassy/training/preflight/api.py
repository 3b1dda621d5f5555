from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from embassy.projects.authentication import actor_of
from embassy.projects.selectors import get_project
from embassy.training.preflight.estimate import estimate
from embassy.training.preflight.serializers import PreflightRequestSerializer, PreflightSerializer


class PreflightView(APIView):
    """What a training job would be: its rows, tokens, steps, memory, time and cost. Creates nothing."""

    scope = "training"

    @extend_schema(
        operation_id="preflightTrainingJob",
        request=PreflightRequestSerializer,
        responses=PreflightSerializer,
    )
    def post(self, request: Request, project_id: str) -> Response:
        actor = actor_of(request)
        project = get_project(actor, project_id)
        body = PreflightRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        found = estimate(project=project, request=body.request(), actor=actor)
        return Response(PreflightSerializer(found).data)
