"""Reads. Each knows who asks: what is missing and what is somebody else's are the same 404."""

from datetime import timedelta

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from embassy.platform.actor import Actor
from embassy.platform.errors import NotFound
from embassy.projects import keys, roles
from embassy.projects.models import ApiKey, Project

LAST_USED_PRECISION = timedelta(minutes=1)


def projects_visible_to(actor: Actor) -> "QuerySet[Project, Project]":
    projects = Project.objects.filter(organization_id=actor.organization_id, deleted_at=None)
    if actor.projects is not None:
        projects = projects.filter(pk__in=actor.projects)
    return projects.order_by("id")


def get_project(actor: Actor, public_id: str) -> Project:
    project = projects_visible_to(actor).filter(public_id=public_id).first()
    if project is None:
        raise NotFound(f"There is no project {public_id}. List yours with GET /v1/projects.")
    return project


def live_key(plain: str) -> ApiKey | None:
    """The key row if this very key is known, neither revoked nor expired, and its user still a member."""
    prefix = keys.prefix_of(plain)
    if prefix is None:
        return None
    row = (
        ApiKey.objects.select_related("user")
        .filter(prefix=prefix, revoked_at=None, user__is_active=True)
        .filter(user__memberships__organization=F("organization"))
        .filter(Q(expires_at=None) | Q(expires_at__gt=Now()))
        .first()
    )
    return row if row is not None and keys.matches(plain, row.digest) else None


def actor_for_key(plain: str) -> Actor | None:
    row = live_key(plain)
    if row is None:
        return None
    note_use(row)
    return actor_of_key(row)


def actor_of_key(row: ApiKey) -> Actor:
    projects = frozenset(row.projects.values_list("pk", flat=True))
    return Actor(
        organization_id=row.organization_id,
        user_id=row.user_id,
        user_public_id=row.user.public_id,
        key_id=row.pk,
        scopes=frozenset(row.scopes),
        projects=projects or None,
        models=frozenset(row.model_names) or None,
        requests_per_minute=row.requests_per_minute,
        tokens_per_minute=row.tokens_per_minute,
        rights=roles.rights_of(organization_id=row.organization_id, user_id=row.user_id),
    )


def note_use(row: ApiKey) -> None:
    # Once a minute is enough to see a forgotten key, and spares a write for each request.
    cutoff = timezone.now() - LAST_USED_PRECISION
    if row.last_used_at is None or row.last_used_at < cutoff:
        ApiKey.objects.filter(pk=row.pk).update(last_used_at=Now())
