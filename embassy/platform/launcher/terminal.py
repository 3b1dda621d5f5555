"""What the person at the terminal sees; the same lines also go to `logs/launcher.log`."""

import os
import re
import sys
from datetime import UTC, datetime
from enum import IntEnum
from io import TextIOWrapper
from typing import TextIO

from embassy.platform.launcher.logfile import LogFile

_NAME_WIDTH = 16
_RESET = "\x1b[0m"
_SIGNS = {
    "good": ("✓", "+", "\x1b[32m"),
    "note": ("·", "-", "\x1b[2m"),
    "warn": ("!", "!", "\x1b[33m"),
    "bad": ("✗", "x", "\x1b[31m"),
}
# Python's and Postgres's words for it, the first line of a traceback, and the level field of structured logs.
_PROBLEM = re.compile(
    r"\b(WARNING|ERROR|CRITICAL|FATAL|PANIC)\b|^Traceback "
    r"|\"level\": ?\"(warning|error|critical)\"|\blevel=(warning|error|critical)\b"
)


class Detail(IntEnum):
    """How much is shown."""

    QUIET = 0
    NORMAL = 1
    VERBOSE = 2


def is_problem(line: str) -> bool:
    """Whether a service's log line is a warning or worse."""
    return _PROBLEM.search(line) is not None


class Terminal:
    """Writes short status lines. A terminal that went away is no reason to stop."""

    def __init__(self, detail: Detail, log: LogFile, out: TextIO | None = None) -> None:
        self.detail = detail
        self._log = log
        self._out = out or sys.stdout
        if isinstance(self._out, TextIOWrapper):
            self._out.reconfigure(errors="replace")
        self._coloured = self._out.isatty() and "NO_COLOR" not in os.environ
        self._plain = not (self._out.encoding or "").lower().startswith("utf")

    def good(self, name: str, text: str) -> None:
        self._line("good", name, text, Detail.NORMAL)

    def note(self, name: str, text: str) -> None:
        self._line("note", name, text, Detail.NORMAL)

    def warn(self, name: str, text: str) -> None:
        self._line("warn", name, text, Detail.NORMAL)

    def bad(self, name: str, text: str) -> None:
        self._line("bad", name, text, Detail.QUIET)

    def output(self, name: str, line: str, *, shown: bool, calm: bool) -> None:
        """A line that a service wrote; its own log has it already.

        Problems stand out only in `calm` times: while a service starts or stops they are expected.
        """
        problem = is_problem(line)
        if self.detail >= Detail.VERBOSE or (self.detail >= Detail.NORMAL and (shown or (problem and calm))):
            self._print("warn" if problem else "note", name, line)

    def block(self, lines: list[str]) -> None:
        """Plain lines below a status line, or the closing banner; never logged, for it shows a key."""
        if self.detail > Detail.QUIET:
            self._write("\n".join(lines))

    def _line(self, kind: str, name: str, text: str, needed: Detail) -> None:
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._log.write(f"{stamp} {kind:4} {name}: {text}".encode())
        if self.detail >= needed:
            self._print(kind, name, text)

    def _print(self, kind: str, name: str, text: str) -> None:
        sign, plain, colour = _SIGNS[kind]
        sign = plain if self._plain else sign
        start, end = (colour, _RESET) if self._coloured else ("", "")
        self._write(f"  {start}{sign}{end} {name:<{_NAME_WIDTH}} {text}")

    def _write(self, line: str) -> None:
        try:
            print(line, file=self._out, flush=True)
        except OSError:
            self._out = open(os.devnull, "w")  # noqa: SIM115
