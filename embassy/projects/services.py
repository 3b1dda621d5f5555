"""Writes on organizations, projects and keys."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Now

from embassy.platform import notify
from embassy.platform.actor import Actor
from embassy.platform.enqueue import enqueue
from embassy.platform.errors import InvalidInput
from embassy.platform.ids import new_id
from embassy.projects import audit, keys
from embassy.projects.models import ApiKey, Membership, Organization, Project, Role, User

AREAS = ("models", "projects", "datasets", "training", "evaluation", "engines", "deployments", "inference")
READ_ONLY_AREAS = ("usage", "metrics")
MAX_LIMIT = 2_000_000_000  # a minute
SCOPES = (
    *(f"{area}:{verb}" for area in AREAS for verb in ("read", "write")),
    *(f"{area}:read" for area in READ_ONLY_AREAS),
)


@transaction.atomic
def create_organization(*, name: str, owner: User) -> Organization:
    organization = Organization.objects.create(name=name)
    Membership.objects.create(organization=organization, user=owner, role=Role.OWNER)
    return organization


@transaction.atomic
def create_project(*, name: str | None, actor: Actor) -> Project:
    name = (name or "").strip() or f"project-{new_id('')[:6]}"
    project = Project.objects.create(
        organization_id=actor.organization_id, name=name, created_by_id=actor.user_id
    )
    audit.record("project.created", project.public_id, actor=actor, name=name)
    return project


@transaction.atomic
def delete_project(*, project: Project, actor: Actor) -> None:
    """Hide the project at once; what it holds is stopped and removed by the `projects.purge` task."""
    Project.objects.filter(pk=project.pk, deleted_at=None).update(deleted_at=Now())
    audit.record("project.deleted", project.public_id, actor=actor, name=project.name)
    notify.nudge(notify.ROUTES)
    enqueue("projects.purge", project.pk)


@transaction.atomic
def create_api_key(
    *,
    organization: Organization,
    user: User,
    name: str,
    scopes: Sequence[str] = ("*",),
    expires_at: datetime | None = None,
    projects: Sequence[Project] = (),
    model_names: Sequence[str] = (),
    requests_per_minute: int | None = None,
    tokens_per_minute: int | None = None,
) -> tuple[ApiKey, str]:
    """The row and the plain key, which is shown this once and stored nowhere.

    A limit of None is the platform's, 0 none at all.
    """
    if unknown := sorted(set(scopes) - {"*", *SCOPES}):
        raise InvalidInput(f"Unknown scopes: {', '.join(unknown)}. Known: *, {', '.join(SCOPES)}.")
    _check_limits(requests_per_minute, tokens_per_minute)
    new = keys.generate()
    row = ApiKey.objects.create(
        organization=organization,
        user=user,
        name=name,
        prefix=new.prefix,
        digest=new.digest,
        scopes=list(scopes),
        expires_at=expires_at,
        model_names=list(model_names),
        requests_per_minute=requests_per_minute,
        tokens_per_minute=tokens_per_minute,
    )
    row.projects.set(projects)
    return row, new.plain


@transaction.atomic
def change_key_limits(*, key: ApiKey, requests_per_minute: int | None, tokens_per_minute: int | None) -> None:
    """None is the platform's limit, 0 none at all. Requests take it up at once. Raises InvalidInput."""
    _check_limits(requests_per_minute, tokens_per_minute)
    key.requests_per_minute, key.tokens_per_minute = requests_per_minute, tokens_per_minute
    key.save(update_fields=["requests_per_minute", "tokens_per_minute", "updated_at"])
    notify.nudge(notify.ROUTES)


@transaction.atomic
def revoke_api_key(*, key: ApiKey) -> None:
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=Now())
    notify.nudge(notify.ROUTES)


@transaction.atomic
def remove_project(*, project: Project) -> None:
    """The row, last of all. Keys for nothing else are revoked: without a project they would be for all."""
    for key in ApiKey.objects.select_for_update().filter(projects=project):
        if not key.projects.exclude(pk=project.pk).exists():
            revoke_api_key(key=key)
    project.delete()


def _check_limits(*limits: int | None) -> None:
    if any(limit is not None and not 0 <= limit <= MAX_LIMIT for limit in limits):
        raise InvalidInput(f"Limits are whole numbers from 0, which is no limit, to {MAX_LIMIT}.")
