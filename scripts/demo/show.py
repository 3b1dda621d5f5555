"""What the demo prints."""

import sys
import time
from typing import Any

BOLD, DIM, GREEN, END = "\033[1m", "\033[2m", "\033[32m", "\033[0m"
WIDTH = 28


def style(text: str, code: str) -> str:
    return f"{code}{text}{END}" if sys.stdout.isatty() else text


def step(text: str) -> None:
    print(f"\n{style('▸', GREEN)} {style(text, BOLD)}", flush=True)


def note(text: str) -> None:
    print(f"  {style(text, DIM)}", flush=True)


class Progress:
    """One line that is written over on a terminal, and a line for each change of stage elsewhere."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._last = ""

    def update(self, job: dict[str, Any]) -> None:
        filled = round(WIDTH * job["progress"] / 100)
        losses = job["training_loss"]
        loss = f"loss {losses[-1]['loss']:.3f}" if losses else ""
        seconds = time.monotonic() - self._started
        line = f"  {'█' * filled}{'░' * (WIDTH - filled)} {job['progress']:3d}%  {job['status']:<8} {loss}"
        if sys.stdout.isatty():
            print(f"\r{line}  {seconds:4.0f} s ", end="", flush=True)
        elif self._changed(job):
            print(f"{line}  {seconds:4.0f} s", flush=True)

    def _changed(self, job: dict[str, Any]) -> bool:
        mark = f"{job['status']} {job['progress'] // 10}"
        changed, self._last = mark != self._last, mark
        return changed

    def done(self) -> None:
        if sys.stdout.isatty():
            print()


def table(header: list[str], rows: list[list[str]]) -> None:
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    for index, row in enumerate([header, *rows]):
        text = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  " + (style(text, BOLD) if index == 0 else text), flush=True)


def shorten(text: str, length: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"
