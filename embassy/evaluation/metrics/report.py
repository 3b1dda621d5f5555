"""What metrics say about one set of answers."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Confusion:
    """How often each expected label (row) was answered with which label (column)."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Report:
    """Values by name. `rows` were counted; `left_out` could not be, each kind of reason with its number."""

    rows: int
    values: dict[str, float]
    left_out: dict[str, int] = field(default_factory=dict)
    confusion: Confusion | None = None
    per_label: dict[str, dict[str, float]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a JSON column."""
        return asdict(self)
