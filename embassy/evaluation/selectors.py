"""Reads. Each knows who asks: what is missing and what is somebody else's are the same 404."""

from collections.abc import Sequence

from django.db.models import QuerySet

from embassy.evaluation.models import TestFunction
from embassy.platform.actor import Actor
from embassy.platform.errors import NotFound


def functions_of(actor: Actor) -> "QuerySet[TestFunction, TestFunction]":
    """Those that the organization's users wrote, by name."""
    return (
        TestFunction.objects.filter(organization_id=actor.organization_id)
        .select_related("created_by")
        .order_by("name")
    )


def functions_named(actor: Actor, names: Sequence[str]) -> dict[str, TestFunction]:
    return {row.name: row for row in functions_of(actor).filter(name__in=names)}


def get_function(actor: Actor, name: str) -> TestFunction:
    row = functions_of(actor).filter(name=name).first()
    if row is None:
        raise NotFound(
            f"There is no test function {name} of yours. List them with GET /v1/testing-functions."
        )
    return row
