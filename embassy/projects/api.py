"""Projects. The detail of one, which shows what is in it, is composed in embassy/deployments/api."""

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from embassy.projects import selectors, services
from embassy.projects.authentication import actor_of
from embassy.projects.idempotent import idempotent
from embassy.projects.serializers import CreateProjectSerializer, ProjectSummarySerializer


class ProjectList(APIView):
    scope = "projects"

    @extend_schema(operation_id="listProjects", responses=ProjectSummarySerializer(many=True))
    def get(self, request: Request) -> Response:
        projects = selectors.projects_visible_to(actor_of(request))
        return Response(ProjectSummarySerializer(projects, many=True).data)

    @extend_schema(
        operation_id="createProject",
        request=CreateProjectSerializer,
        responses={status.HTTP_201_CREATED: ProjectSummarySerializer},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        body = CreateProjectSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        project = services.create_project(name=body.validated_data.get("name"), actor=actor_of(request))
        return Response(ProjectSummarySerializer(project).data, status=status.HTTP_201_CREATED)
