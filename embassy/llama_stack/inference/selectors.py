"""Reads of stored chats. What is missing and what is somebody else's are the same 404."""

from collections.abc import Mapping

from django.db.models import QuerySet

from embassy.llama_stack.models import StoredCompletion
from embassy.platform.actor import Actor
from embassy.platform.errors import NotFound

Rows = QuerySet[StoredCompletion, StoredCompletion]


def completions_visible_to(
    actor: Actor, *, model: str | None = None, metadata: Mapping[str, str] | None = None
) -> Rows:
    rows = StoredCompletion.objects.filter(organization_id=actor.organization_id)
    if actor.models is not None:
        rows = rows.filter(model__in=actor.models)
    if model is not None:
        rows = rows.filter(model=model)
    return rows.filter(metadata__contains=dict(metadata)) if metadata else rows


def get_completion(actor: Actor, public_id: str) -> StoredCompletion:
    completion = completions_visible_to(actor).filter(public_id=public_id).first()
    if completion is None:
        raise NotFound(
            f"There is no stored chat completion {public_id}. Only those that were asked for with "
            "`store: true` are kept, for 30 days."
        )
    return completion
