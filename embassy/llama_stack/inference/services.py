"""Writes on stored chats."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from embassy.llama_stack.models import StoredCompletion
from embassy.platform.actor import Actor
from embassy.platform.errors import InvalidInput, NotFound

KEPT = timedelta(days=30)
MAX_PAIRS, MAX_KEY, MAX_VALUE = 16, 64, 512

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


def check_metadata(metadata: Mapping[str, Any]) -> None:
    """OpenAI's bounds: 16 pairs of texts. Raises InvalidInput."""
    fits = len(metadata) <= MAX_PAIRS and all(
        isinstance(value, str) and len(name) <= MAX_KEY and len(value) <= MAX_VALUE
        for name, value in metadata.items()
    )
    if not fits:
        raise InvalidInput(
            f"metadata: at most {MAX_PAIRS} texts of up to {MAX_VALUE} characters, "
            f"with names of up to {MAX_KEY}.",
            details={"field": "metadata"},
        )
