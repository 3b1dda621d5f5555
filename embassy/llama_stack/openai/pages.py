"""OpenAI's lists: newest first, cut into pages by the id of the last (`after`) or first (`before`) entry."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from rest_framework import serializers

from embassy.platform.errors import InvalidInput

Row = TypeVar("Row", bound=Model)
ORDERS = ("desc", "asc")


class CursorSerializer(serializers.Serializer[Any]):
    """The query of a list. `limit` is set by each list's own serializer."""

    after = serializers.CharField(required=False, help_text="The id after which the page begins.")
    order = serializers.ChoiceField(choices=ORDERS, default=ORDERS[0], help_text="By time of creation.")


@dataclass(frozen=True)
class Page(Generic[Row]):
    rows: list[Row]
    has_more: bool


def page_of(
    rows: "QuerySet[Row, Row]",
    *,
    limit: int,
    after: str | None = None,
    before: str | None = None,
    order: str = ORDERS[0],
) -> "Page[Row]":
    """One page, in `order` of creation. Raises InvalidInput for a cursor that is not of this list."""
    is_rising = order == "asc"
    if after is not None:
        start = _pk(rows, after, "after")
        rows = rows.filter(pk__gt=start) if is_rising else rows.filter(pk__lt=start)
    if before is not None:
        end = _pk(rows, before, "before")
        rows = rows.filter(pk__lt=end) if is_rising else rows.filter(pk__gt=end)
    found = list(rows.order_by("pk" if is_rising else "-pk")[: limit + 1])
    return Page(found[:limit], len(found) > limit)


def listing(data: list[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    """The body of a list; an empty one has empty ids, as the contract wants texts."""
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else "",
        "last_id": data[-1]["id"] if data else "",
        "has_more": has_more,
    }


def _pk(rows: "QuerySet[Row, Row]", public_id: str, name: str) -> int:
    pk = rows.model._default_manager.filter(public_id=public_id).values_list("pk", flat=True)
    found = rows.filter(pk__in=pk).values_list("pk", flat=True).first()
    if found is None:
        raise InvalidInput(
            f"{name}: there is no {public_id} in this list. Give an id that a page of it had.",
            details={"field": name},
        )
    return int(found)
