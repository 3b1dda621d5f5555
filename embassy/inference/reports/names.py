"""Primary keys in rows ↔ the ids that people know. What was deleted for good has none any more."""

from collections.abc import Collection
from dataclasses import dataclass

from embassy.deployments.models import Deployment
from embassy.platform.actor import Actor
from embassy.platform.errors import NotFound
from embassy.projects.models import ApiKey, Project
from embassy.projects.selectors import projects_visible_to

Names = dict[int, str]


@dataclass(frozen=True)
class Directory:
    """Public ids of projects and deployments, prefixes of keys, by primary key."""

    projects: Names
    deployments: Names
    keys: Names


def directory(
    actor: Actor, *, projects: Collection[int], deployments: Collection[int], keys: Collection[int]
) -> Directory:
    """Three queries at most, deleted ones included."""
    own = {"organization_id": actor.organization_id}
    return Directory(
        projects=dict(Project.objects.filter(pk__in=projects, **own).values_list("pk", "public_id")),
        deployments=dict(Deployment.objects.filter(pk__in=deployments, **own).values_list("pk", "public_id")),
        keys=dict(ApiKey.objects.filter(pk__in=keys, **own).values_list("pk", "prefix")),
    )


def deployment_pk(actor: Actor, public_id: str, project: Project | None = None) -> int:
    """Also of one that was deleted: what it used stays. Raises NotFound."""
    rows = Deployment.objects.filter(project__in=projects_visible_to(actor), public_id=public_id)
    if project is not None:
        rows = rows.filter(project=project)
    pk = rows.values_list("pk", flat=True).first()
    if pk is None:
        raise NotFound(f"There is no deployment {public_id}.")
    return pk


def key_pk(actor: Actor, prefix: str) -> int:
    """By the prefix that is shown of a key, also of a revoked one. Raises NotFound."""
    rows = ApiKey.objects.filter(organization_id=actor.organization_id, prefix=prefix)
    pk = rows.values_list("pk", flat=True).first()
    if pk is None:
        raise NotFound(f"There is no key that begins with {prefix}.")
    return pk
