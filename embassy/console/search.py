"""One search for everything of the organization that has a name: a few of each kind, the newest first."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from embassy.datasets.selectors import datasets_visible_to
from embassy.deployments.selectors import deployments_visible_to
from embassy.engines.selectors import engines_visible_to
from embassy.platform.actor import Actor
from embassy.platform.words import named_like
from embassy.projects.selectors import projects_visible_to
from embassy.training.selectors import jobs_visible_to

MOST = 6  # of each kind
MAX_TEXT = 200


@dataclass(frozen=True)
class Hit:
    name: str
    detail: str
    address: str


@dataclass(frozen=True)
class Kind:
    """`page` is the one of a hit's own."""

    title: str
    icon: str
    page: str
    visible: "Callable[[Actor], QuerySet[Any, Any]]"
    in_project: bool = True


KINDS = (
    Kind("Projects", "folder", "project", projects_visible_to, in_project=False),
    Kind("Data sets", "database", "dataset", datasets_visible_to),
    Kind("Training jobs", "brain", "job", jobs_visible_to),
    Kind("Deployments", "rocket", "deployment", deployments_visible_to),
    Kind("Engines", "robot", "engine", engines_visible_to, in_project=False),
)


def search(actor: Actor, text: str) -> list[tuple[Kind, list[Hit]]]:
    """What has words that begin as those of the text, or an id that does; kinds without are left out."""
    found = [(kind, _hits(kind, actor, text[:MAX_TEXT])) for kind in KINDS]
    return [(kind, hits) for kind, hits in found if hits]


def _hits(kind: Kind, actor: Actor, text: str) -> list[Hit]:
    rows = named_like(kind.visible(actor), text)
    if kind.in_project:
        rows = rows.select_related("project")
    return [_hit(kind, row) for row in rows.order_by("-id")[:MOST]]


def _hit(kind: Kind, row: Any) -> Hit:
    ids = [row.project.public_id, row.public_id] if kind.in_project else [row.public_id]
    detail = f"{row.public_id} · {row.project.name}" if kind.in_project else row.public_id
    return Hit(row.name, detail, reverse(f"console:{kind.page}", args=ids))
