"""An event of a job → one line of its log."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from embassy.training.models import JobEvent

SENTENCES = ("message", "reason", "error")
HIDDEN = ("path", "export")  # folders of the host are no visitor's business


@dataclass(frozen=True)
class LogLine:
    at: datetime
    kind: str
    text: str


def log_line(event: JobEvent) -> LogLine:
    """The sentence of an event, if it has one, before its other fields."""
    data = {
        name: value
        for name, value in event.data.items()
        if value not in (None, "", {}, []) and name not in HIDDEN
    }
    sentence = [str(data.pop(name)) for name in SENTENCES if name in data]
    fields = [f"{name}: {_plain(value)}" for name, value in data.items()]
    return LogLine(event.at, event.kind, " · ".join([*sentence, *fields]))


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(part)}" for name, part in value.items())
    if isinstance(value, list):
        return "; ".join(map(_plain, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
