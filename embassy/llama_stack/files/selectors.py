"""Reads. What is missing, expired and somebody else's are the same 404."""

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from embassy.llama_stack.models import File
from embassy.platform.actor import Actor
from embassy.platform.errors import NotFound


def files_visible_to(actor: Actor) -> "QuerySet[File, File]":
    alive = Q(expires_at=None) | Q(expires_at__gt=Now())
    return File.objects.filter(alive, organization_id=actor.organization_id)


def get_file(actor: Actor, public_id: str) -> File:
    file = files_visible_to(actor).filter(public_id=public_id).first()
    if file is None:
        raise NotFound(f"There is no file {public_id}. List yours with GET /openai/v1/files.")
    return file
