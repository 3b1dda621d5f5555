"""One attempt: what is asked, where its account goes and what may stop it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from embassy.training.runner.events import EventWriter, Silence
from embassy.training.runner.limits import Limits
from embassy.training.runner.ranks import Ranks
from embassy.training.spec import EventType, TrainingSpec


@dataclass(frozen=True)
class Run:
    spec: TrainingSpec
    events: EventWriter | Silence
    limits: Limits
    ranks: Ranks = field(default_factory=Ranks)

    def emit(self, event: EventType, *, durable: bool = False, **fields: Any) -> None:
        """Write an event; a stop waits until the line is whole."""
        with self.limits.shielded():
            self.events.emit(event, durable=durable, **fields)

    def warn(self, code: str, message: str) -> None:
        self.emit(EventType.WARNING, code=code, message=message)
