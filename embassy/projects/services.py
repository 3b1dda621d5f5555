"""Writes on organizations, projects and keys."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Now

from embassy.platform import notify
from embassy.platform.actor import Actor
from embassy.platform.enqueue import enqueue
from embassy.platform.ids import new_id
from embassy.projects import audit, key_rules, keys
from embassy.projects.models import ApiKey, Membership, Organization, Project, Role, User
from embassy.projects.project_names import checked_project_name


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
def rename_project(*, project: Project, name: str, actor: Actor) -> None:
    """Raises InvalidInput."""
    project.name = checked_project_name(name)
    project.save(update_fields=["name", "updated_at"])
    audit.record("project.renamed", project.public_id, actor=actor, name=project.name)


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

    A limit of None is the platform's, 0 none at all; no projects or model names are all of them.
    Raises InvalidInput.
    """
    new = keys.generate()
    row = ApiKey.objects.create(
        organization=organization,
        user=user,
        name=key_rules.checked_name(name),
        prefix=new.prefix,
        digest=new.digest,
        scopes=key_rules.checked_scopes(scopes),
        expires_at=key_rules.checked_expiry(expires_at),
        model_names=key_rules.checked_model_names(model_names),
        requests_per_minute=key_rules.checked_limit(requests_per_minute),
        tokens_per_minute=key_rules.checked_limit(tokens_per_minute),
    )
    row.projects.set(key_rules.checked_projects(projects, organization_id=organization.pk))
    maker = Actor(organization_id=organization.pk, user_id=user.pk, user_public_id=user.public_id)
    audit.record("api_key.created", row.prefix, actor=maker, name=row.name, scopes=row.scopes)
    return row, new.plain


@transaction.atomic
def change_key_limits(
    *, key: ApiKey, requests_per_minute: int | None, tokens_per_minute: int | None, actor: Actor
) -> None:
    """None is the platform's limit, 0 none at all. Requests take it up at once. Raises InvalidInput."""
    limits = {
        "requests_per_minute": key_rules.checked_limit(requests_per_minute),
        "tokens_per_minute": key_rules.checked_limit(tokens_per_minute),
    }
    ApiKey.objects.filter(pk=key.pk).update(**limits, updated_at=Now())
    audit.record("api_key.limits_changed", key.prefix, actor=actor, name=key.name, **limits)
    notify.nudge(notify.ROUTES)


@transaction.atomic
def revoke_api_key(*, key: ApiKey, actor: Actor) -> None:
    """Requests with it are refused from now on. A key that is revoked already stays as it is."""
    if _revoke(key):
        audit.record("api_key.revoked", key.prefix, actor=actor, name=key.name)


def _revoke(key: ApiKey) -> bool:
    revoked = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=Now(), updated_at=Now())
    notify.nudge(notify.ROUTES)
    return bool(revoked)


@transaction.atomic
def remove_project(*, project: Project) -> None:
    """The row, last of all. Keys for nothing else are revoked: without a project they would be for all."""
    for key in ApiKey.objects.select_for_update().filter(projects=project):
        if not key.projects.exclude(pk=project.pk).exists():
            _revoke(key)
    project.delete()
