"""What this process has answered since it began: the numbers behind `/metrics`."""

import threading
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple, Protocol
from weakref import WeakSet

from embassy.inference.spending import Account, Outcome, Total

MOST_SERIES = 2_000  # deployments and models that have numbers of their own


class Label(NamedTuple):
    """Whose numbers these are. `deployment` is a public id, or empty for a base model."""

    organization_pk: int
    project_pk: int | None
    model: str
    deployment: str


def label_of(account: Account) -> Label:
    return Label(account.organization_pk, account.project_pk, account.model, account.deployment_id)


class Series:
    """Numbers only grow. Written from the gateway's event loop, read from any thread.

    Past `MOST_SERIES` what is new is counted together, as its organization's deployment "other".
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals: dict[Label, Total] = {}
        self._strays: Counter[Outcome] = Counter()

    def fold(self, totals: Mapping[Account, Total], strays: Mapping[Outcome, int]) -> None:
        """Add what was counted since the last time. `strays` were for no model that anybody knows."""
        with self._lock:
            for account, total in totals.items():
                self._total(label_of(account)).add(total)
            self._strays.update(strays)

    def totals(self) -> dict[Label, Total]:
        """A copy."""
        with self._lock:
            return {label: _copy(total) for label, total in self._totals.items()}

    def strays(self) -> Counter[Outcome]:
        with self._lock:
            return Counter(self._strays)

    def _total(self, label: Label) -> Total:
        if label not in self._totals and len(self._totals) >= MOST_SERIES:
            label = Label(label.organization_pk, None, "other", "other")
        return self._totals.setdefault(label, Total())


def _copy(total: Total) -> Total:
    copy = Total()
    copy.add(total)
    return copy


class Present(Protocol):
    """A gateway of this process, asked at the moment. Called from any thread."""

    def in_flight(self) -> Mapping[Account, int]: ...

    def waiting(self) -> int: ...


SERIES = Series()
PRESENT: "WeakSet[Present]" = WeakSet()
