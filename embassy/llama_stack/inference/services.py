"""Writes on stored chats."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from embassy.llama_stack.models import StoredCompletion
from embassy.llama_stack.openai.metadata import check_metadata
from embassy.platform.actor import Actor
from embassy.platform.errors import NotFound

KEPT = timedelta(days=30)

Json = dict[str, Any]


def store_completion(
    *, answer: Json, messages: list[Json], metadata: Mapping[str, Any], actor: Actor
) -> None:
    StoredCompletion.objects.create(
        public_id=answer["id"],
        organization_id=actor.organization_id,
        model=answer["model"],
        messages=messages,
        answer=answer,
        metadata=dict(metadata),
    )


def change_metadata(*, completion: StoredCompletion, metadata: Mapping[str, Any]) -> None:
    """Raises InvalidInput."""
    check_metadata(metadata)
    completion.metadata = dict(metadata)
    completion.save(update_fields=["metadata"])


def delete_completion(*, completion: StoredCompletion) -> None:
    """Raises NotFound if somebody else was faster."""
    deleted, _ = StoredCompletion.objects.filter(pk=completion.pk).delete()
    if not deleted:
        raise NotFound(f"There is no stored chat completion {completion.public_id}.")


def forget_old() -> int:
    """Delete what was kept for long enough; returns how many."""
    deleted, _ = StoredCompletion.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    return deleted
