"""JSON lines to and from a process that is not trusted: every wait and every line has a limit."""

import json
import os
import select
import time
from typing import Any

# The longest honest answer is an error and what was printed.
LONGEST_LINE = 64 * 1024
_READ_BYTES = 64 * 1024


class ChannelError(Exception):
    """Base of what can go wrong with the other side."""


class Closed(ChannelError):
    """It has closed its end, or ended."""


class TooSlow(ChannelError):
    """Nothing came, or nothing was taken, before the deadline."""


class NotAnAnswer(ChannelError):
    """Something came that the guest program does not send."""


class Channel:
    """Deadlines are of `time.monotonic()`. Not for more than one thread at a time."""

    def __init__(self, reader: int, writer: int) -> None:
        self._reader, self._writer = reader, writer
        self._received = b""
        for descriptor in (reader, writer):
            os.set_blocking(descriptor, False)

    def send(self, message: dict[str, Any], deadline: float) -> None:
        """Raises Closed or TooSlow."""
        data = memoryview(json.dumps(message).encode() + b"\n")
        while data:
            self._wait(self._writer, select.POLLOUT, deadline)
            try:
                data = data[os.write(self._writer, data) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise Closed from None

    def receive(self, deadline: float) -> dict[str, Any]:
        """One message. Raises Closed, TooSlow, or NotAnAnswer."""
        while b"\n" not in self._received:
            if len(self._received) > LONGEST_LINE:
                raise NotAnAnswer
            self._wait(self._reader, select.POLLIN, deadline)
            self._read()
        line, _, self._received = self._received.partition(b"\n")
        return _parsed(line)

    def is_quiet(self) -> bool:
        """Whether the other side has said nothing beyond what was asked."""
        return not self._received and not self._poll(self._reader, select.POLLIN, 0)

    def _read(self) -> None:
        try:
            data = os.read(self._reader, _READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            raise Closed
        self._received += data

    def _wait(self, descriptor: int, event: int, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0 or not self._poll(descriptor, event, left):
            raise TooSlow

    @staticmethod
    def _poll(descriptor: int, event: int, seconds: float) -> bool:
        poll = select.poll()
        poll.register(descriptor, event)
        return bool(poll.poll(max(0.0, seconds) * 1000))


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise NotAnAnswer from None
    if not isinstance(message, dict):
        raise NotAnAnswer
    return message
