"""Events as the text of a stream: https://html.spec.whatwg.org/multipage/server-sent-events.html. Pure."""

from collections.abc import Iterable

import orjson

from embassy.training.models import JobEvent

CONTENT_TYPE = "text/event-stream; charset=utf-8"
# No proxy may keep what is to be seen at once.
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
# After how long a client comes back when the connection breaks, in milliseconds.
OPENING = b"retry: 2000\n\n"
STILL_HERE = b": still here\n\n"


def frame(event: JobEvent) -> bytes:
    data = orjson.dumps(shown(event))
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.pk, event.kind.encode(), data)


def frames(events: Iterable[JobEvent]) -> bytes:
    return b"".join(map(frame, events))


def shown(event: JobEvent) -> dict[str, object]:
    """The event as the list of events shows it."""
    return {
        "seq": event.pk,
        "time": event.at.timestamp(),
        "event": event.kind,
        "attempt": event.attempt,
        "details": event.data,
    }


def last_seen(last_event_id: str | None, after: str | None) -> int:
    """After which event to go on. A client that comes back names the last one it saw, and that counts.

    Raises ValueError for what is no such number.
    """
    number = int(last_event_id or after or 0)
    if not 0 <= number < 2**63:
        raise ValueError(number)
    return number
