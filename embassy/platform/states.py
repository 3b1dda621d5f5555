"""A status is a table of allowed moves and one function that makes the move.

The move is a guarded UPDATE: the row count tells who won. The event row is written in the same
transaction. Nothing else writes a status column (tests/unit/test_shape.py looks for it).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction
from django.db.models.functions import Now

from embassy.platform.models import Event


@dataclass(frozen=True)
class StateMachine:
    """`moves` maps a status to the ones it may go to; `field` is the column's name."""

    moves: Mapping[str, frozenset[str]]
    field: str = "status"

    @property
    def states(self) -> list[str]:
        return sorted(self.moves)

    def sources(self, target: str) -> set[str]:
        return {source for source, targets in self.moves.items() if target in targets}

    def final(self) -> set[str]:
        return {status for status, targets in self.moves.items() if not targets}

    def check(self, name: str) -> models.CheckConstraint:
        """The database's own guard: no value outside the table."""
        return models.CheckConstraint(condition=models.Q(**{f"{self.field}__in": self.states}), name=name)

    def transition(
        self,
        row: models.Model,
        target: str,
        *,
        reason: str = "",
        sources: Iterable[str] | None = None,
        where: Mapping[str, Any] | None = None,
        changes: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> bool:
        """Move `row` to `target` if the table, `sources` and `where` allow it. False: somebody else won.

        `where` are further conditions on the row (a lease token), `changes` further columns to set.
        On success `row` is read again, so the caller sees what the database holds.
        """
        allowed = self.sources(target) & set(sources) if sources is not None else self.sources(target)
        manager = type(row)._default_manager
        with transaction.atomic():
            locked = manager.select_for_update(of=("self",)).filter(
                pk=row.pk, **{f"{self.field}__in": allowed}, **(where or {})
            )
            source = locked.values_list(self.field, flat=True).first()
            if source is None:
                return False
            written = {self.field: target, **(changes or {})}
            if any(field.name == "updated_at" for field in row._meta.get_fields()):
                written.setdefault("updated_at", Now())
            manager.filter(pk=row.pk).update(**written)
            record_event(row, source=source, target=target, reason=reason, data=data)
        row.refresh_from_db()
        return True


def record_event(
    row: models.Model, *, source: str, target: str, reason: str = "", data: Mapping[str, Any] | None = None
) -> None:
    Event.objects.create(
        subject=getattr(row, "public_id", str(row.pk)),
        kind=row._meta.model_name or "",
        source=source,
        target=target,
        reason=reason,
        data=dict(data or {}),
    )
