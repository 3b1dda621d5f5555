"""The messages between a client and its child's warden: one JSON object per line.

    warden → {"event": "ready", "program": NAME}            as soon as it has been forked
    client → {"argv": […], "env": {…}, "cwd": …, "log": …, "grace_s": …}
    warden → {"event": "started", "pid": …, "start_time": …}  or {"event": "failed", "error": …}
    client → {"signal": NUMBER}                              any number of times
    warden → {"event": "exited", "code": …}                  once nothing of the child is left

The connection is the child's lifeline: when the client's end closes, the child is ended.
"""

import json
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

MAX_LINE_BYTES = 4 * 1024 * 1024


class ProtocolError(ValueError):
    """The other side sent something that is not one of the messages above."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a client asks for: the program's arguments and surroundings. `env` is the whole environment."""

    argv: list[str]
    env: dict[str, str]
    cwd: str
    log: str
    grace_s: float  # from SIGTERM to SIGKILL when the client has gone

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> "Request":
        """Read a request; raises ProtocolError when fields are missing or unknown."""
        try:
            return cls(**message)
        except TypeError as error:
            raise ProtocolError(f"bad request: {error}") from error

    def to_message(self) -> dict[str, Any]:
        """The request as a message."""
        return asdict(self)


class Lines:
    """Cuts received bytes into messages."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Yield each message that `data` completes; raises ProtocolError."""
        *complete, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE_BYTES:
            raise ProtocolError("line too long")
        for line in complete:
            yield _parse(line)


def send(connection: socket.socket, message: dict[str, Any]) -> None:
    """Send one message; raises OSError when the other side has gone."""
    connection.sendall(json.dumps(message).encode() + b"\n")


def _parse(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except ValueError as error:
        raise ProtocolError(f"not JSON: {line[:200]!r}") from error
    if not isinstance(message, dict):
        raise ProtocolError(f"not an object: {line[:200]!r}")
    return message
