"""Reads of uploads. Each knows who asks."""

from django.db.models import QuerySet

from embassy.datasets.models import Upload
from embassy.datasets.states import WorkStatus
from embassy.platform.actor import Actor
from embassy.platform.errors import NotFound
from embassy.projects import selectors as projects
from embassy.projects.models import Project


def uploads_in(actor: Actor, project: Project) -> "QuerySet[Upload, Upload]":
    uploads = Upload.objects.filter(project__in=projects.projects_visible_to(actor), project=project)
    return uploads.select_related("created_by", "dataset").order_by("-id")


def unfinished_in(actor: Actor, project: Project) -> "QuerySet[Upload, Upload]":
    """Those that are no datasets yet, refused ones among them."""
    return uploads_in(actor, project).exclude(status=WorkStatus.DONE)


def get_upload(actor: Actor, project: Project, public_id: str) -> Upload:
    upload = uploads_in(actor, project).filter(public_id=public_id).first()
    if upload is None:
        raise NotFound(f"There is no upload {public_id} in this project. It may have been given up.")
    return upload
