"""Logs are events with fields: a constant name, then identifiers.

`log.info("job.started", extra=fields(job=job.public_id))`
"""

import logging
from contextvars import ContextVar
from typing import Any

request_id: ContextVar[str] = ContextVar("request_id", default="")


def fields(**values: Any) -> dict[str, Any]:
    return {"fields": values}


class EventFormatter(logging.Formatter):
    """`time level logger event key=value …`, with the request's id where there is one."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        values = dict(getattr(record, "fields", {}))
        if current := request_id.get():
            values.setdefault("request", current)
        tail = "".join(f" {name}={value}" for name, value in values.items())
        first, _, trace = super().format(record).partition("\n")
        return first + tail + (f"\n{trace}" if trace else "")
