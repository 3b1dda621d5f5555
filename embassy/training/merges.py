"""What happens to a merge. Moves after the claim apply only while the caller's lease token matches."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from embassy.platform import leases
from embassy.platform.actor import Actor
from embassy.platform.enqueue import enqueue
from embassy.projects import audit
from embassy.training.lifecycle import retry_delay
from embassy.training.models import Checkpoint, Merge, TrainingJob
from embassy.training.states import MERGE, MergeStatus

ATTEMPTS = 3
WAITING = "Waiting for a training worker."
RUNNING = "The adapter is being put into the base model."
WORKER_LOST = "The worker that merged it is gone; another one does it again."


@transaction.atomic
def merge_checkpoint(*, checkpoint: Checkpoint, actor: Actor) -> Merge | None:
    """The merge of this checkpoint, begun unless it is done or under way; None for a whole model.

    A merge that failed is tried anew.
    """
    if checkpoint.merged:
        return None
    # A job that is being deleted takes its merges along: none may come after it has looked.
    TrainingJob.objects.select_for_update(of=("self",)).get(pk=checkpoint.job_id)
    merge, is_new = Merge.objects.get_or_create(checkpoint=checkpoint, defaults={"reason": WAITING})
    begun = is_new or _restart(merge)
    if begun:
        audit.record("checkpoint.merged", checkpoint.job.public_id, actor=actor, checkpoint=checkpoint.number)
        publish(merge)
    return merge


def publish(merge: Merge) -> None:
    """Wake a worker up for a pending merge."""
    leases.mark_published(merge)
    enqueue("training.merge", merge.pk)


def claim(merge_pk: int) -> Merge | None:
    """Take a pending merge; None if it is not pending, not due yet, or somebody else was faster."""
    merge = pending().filter(pk=merge_pk).select_related("checkpoint__job").first()
    if merge is None:
        return None
    changes = leases.claim_changes() | {"reason": RUNNING, "code": "", "next_retry_at": None}
    return merge if MERGE.transition(merge, MergeStatus.RUNNING, changes=changes) else None


@transaction.atomic
def record_ready(
    merge: Merge, *, token: int, archive_key: str, sha256: str, size_bytes: int, files: dict[str, str]
) -> bool:
    """The archive is stored. False: nobody wants it any more, and nothing was written."""
    changes = leases.release_changes() | {
        "reason": "",
        "failures": 0,
        "archive_key": archive_key,
        "sha256": sha256,
        "size_bytes": size_bytes,
        "files": files,
    }
    return _move(merge, MergeStatus.READY, token=token, changes=changes)


def give_back(merge: Merge, *, token: int) -> bool:
    """Return a merge unharmed: another worker may begin at once."""
    with transaction.atomic():
        changes = leases.release_changes() | {"reason": WAITING}
        if not _move(merge, MergeStatus.PENDING, token=token, changes=changes):
            return False
        publish(merge)
        return True


def record_failure(merge: Merge, *, token: int, reason: str, code: str, final: bool = False) -> bool:
    """Count a failed attempt: retry later, or give up after ATTEMPTS of them, at once if `final`."""
    failures = merge.failures + 1
    changes: dict[str, Any] = leases.release_changes() | {
        "failures": failures,
        "reason": reason,
        "code": code,
        "published_at": None,
    }
    if final or failures >= ATTEMPTS:
        return _move(merge, MergeStatus.FAILED, token=token, changes=changes)
    changes["next_retry_at"] = Now() + retry_delay(failures)
    return _move(merge, MergeStatus.PENDING, token=token, changes=changes)


def reconcile() -> None:
    """Return orphaned merges to the queue and wake workers for those that are due."""
    for merge in orphaned():
        record_failure(merge, token=merge.lease_token, reason=WORKER_LOST, code="worker_lost")
    silence = timezone.now() - timedelta(seconds=settings.REPUBLISH_SECONDS)
    for merge in pending().exclude(published_at__gt=silence).order_by("id"):
        publish(merge)


def orphaned() -> list[Merge]:
    """Running merges whose lease has run out, or whose owner on this host no longer exists."""
    running = Merge.objects.filter(status=MergeStatus.RUNNING)
    found = {merge.pk: merge for merge in leases.expired(running)}
    found |= {merge.pk: merge for merge in leases.owned_by_dead_process(running)}
    return list(found.values())


def pending() -> "QuerySet[Merge, Merge]":
    """Those that a worker may begin now."""
    return Merge.objects.filter(
        Q(next_retry_at=None) | Q(next_retry_at__lte=Now()), status=MergeStatus.PENDING
    )


def _restart(merge: Merge) -> bool:
    changes = {"failures": 0, "reason": WAITING, "code": "", "next_retry_at": None}
    return MERGE.transition(merge, MergeStatus.PENDING, sources=[MergeStatus.FAILED], changes=changes)


def _move(merge: Merge, target: MergeStatus, *, token: int, changes: dict[str, Any]) -> bool:
    return MERGE.transition(
        merge, target, reason=changes["reason"], where={"lease_token": token}, changes=changes
    )
