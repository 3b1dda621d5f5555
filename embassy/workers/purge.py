"""Remove what a deleted project held: running things first, then objects, the row last. Repeatable."""

from embassy.datasets import services as datasets
from embassy.deployments import services as deployments
from embassy.projects import services as projects
from embassy.projects.models import Project
from embassy.training import services as training


def purge_project(*, project_pk: int) -> None:
    project = Project.objects.filter(pk=project_pk).exclude(deleted_at=None).first()
    if project is None:
        return
    deployments.remove_all(project=project)
    training.remove_all(project=project)
    datasets.remove_all(project=project)
    projects.remove_project(project=project)
