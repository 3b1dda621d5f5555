"""One project with all that is in it. It is here because this is the lowest layer that sees all of it."""

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from embassy.datasets import selectors as datasets
from embassy.deployments import selectors as deployments
from embassy.deployments.serializers import ProjectDetailSerializer
from embassy.projects.authentication import actor_of
from embassy.projects.selectors import get_project
from embassy.projects.services import delete_project
from embassy.training import selectors as training


class ProjectDetail(APIView):
    scope = "projects"

    @extend_schema(operation_id="retrieveProjectById", responses=ProjectDetailSerializer)
    def get(self, request: Request, project_id: str) -> Response:
        actor = actor_of(request)
        project = get_project(actor, project_id)
        shown = {
            "id": project.public_id,
            "name": project.name,
            "datasets": datasets.datasets_in(actor, project),
            "training_jobs": training.jobs_of(actor, project),
            "deployments": deployments.deployments_of(actor, project),
        }
        return Response(ProjectDetailSerializer(shown).data)

    @extend_schema(operation_id="deleteProjectById", responses={status.HTTP_204_NO_CONTENT: None})
    def delete(self, request: Request, project_id: str) -> Response:
        actor = actor_of(request)
        delete_project(project=get_project(actor, project_id), actor=actor)
        return Response(status=status.HTTP_204_NO_CONTENT)
