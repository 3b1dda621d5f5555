"""JSON lines to and from the parent, out of the way of whatever the function reads and prints."""

import fcntl
import json
import os
from typing import Any

_ABOVE_THE_USUAL = 20  # clear of 0, 1, 2 and of what a careless function closes


class Channel:
    def __init__(self, reader: int, writer: int) -> None:
        self._requests = open(reader, encoding="ascii")  # noqa: SIM115 (as long as the process)
        self._writer = writer

    @classmethod
    def take_over_pipes(cls) -> "Channel":
        """Use what were standard input and output; those become empty and silent."""
        reader = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, _ABOVE_THE_USUAL)
        writer = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, _ABOVE_THE_USUAL)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        os.close(nothing)
        return cls(reader, writer)

    def receive(self) -> dict[str, Any] | None:
        """None when the parent has gone or wants no more."""
        line = self._requests.readline()
        return json.loads(line) if line else None

    def send(self, message: dict[str, Any]) -> None:
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self._writer, data) :]
