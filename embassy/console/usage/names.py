"""What the lines of a table of usage are called, and where they lead."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from embassy.deployments.models import Deployment
from embassy.deployments.states import ENDED
from embassy.platform.actor import Actor
from embassy.projects.models import ApiKey, Project, User

NOBODY = {
    "project": "Base models",
    "deployment": "Base models",
    "key": "No key: the console, and time of engines",
    "person": "Nobody: the console, and time of engines",
}
GONE = "deleted"


@dataclass(frozen=True)
class Name:
    """`detail` is the id, or what else tells two of one name apart; `address` the page, if there is one."""

    title: str
    detail: str = ""
    address: str = ""


def names_of(actor: Actor, dimension: str, groups: Iterable[Hashable]) -> dict[Hashable, Name]:
    """One query, however many."""
    groups = list(groups)
    if dimension == "model":
        return {group: Name(str(group)) for group in groups}
    known = _FINDERS[dimension](actor, [group for group in groups if group is not None])
    return {
        group: Name(NOBODY[dimension]) if group is None else known.get(group, Name(GONE, f"#{group}"))
        for group in groups
    }


def _projects(actor: Actor, pks: list[Any]) -> dict[Any, Name]:
    rows = Project.objects.filter(organization_id=actor.organization_id, pk__in=pks)
    return {
        row.pk: Name(row.name, row.public_id, _if_there("project", not row.deleted_at, row.public_id))
        for row in rows
    }


def _deployments(actor: Actor, pks: list[Any]) -> dict[Any, Name]:
    rows = Deployment.objects.filter(organization_id=actor.organization_id, pk__in=pks)
    return {
        row.pk: Name(
            row.name,
            row.public_id,
            _if_there("deployment", row.status not in ENDED, row.project.public_id, row.public_id),
        )
        for row in rows.select_related("project")
    }


def _keys(actor: Actor, pks: list[Any]) -> dict[Any, Name]:
    rows = ApiKey.objects.filter(organization_id=actor.organization_id, pk__in=pks).select_related("user")
    return {row.pk: Name(row.name, f"{row.prefix}…, {row.user.email}") for row in rows}


def _people(actor: Actor, pks: list[Any]) -> dict[Any, Name]:
    return {row.pk: Name(row.email) for row in User.objects.filter(pk__in=pks)}


def _if_there(page: str, is_there: bool, *ids: str) -> str:
    return reverse(f"console:{page}", args=ids) if is_there else ""


_FINDERS = {"project": _projects, "deployment": _deployments, "key": _keys, "person": _people}
