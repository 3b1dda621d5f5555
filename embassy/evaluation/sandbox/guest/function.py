"""Load the function of a user and call it under a time limit."""

import math
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

FILE = "<test function>"
_LONGEST_REASON = 500


class TimeLimit(BaseException):
    """Not an Exception, so that `except Exception` in the function does not swallow it."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TimeLimit here after so many seconds. A function can outwit this; the parent then kills."""
    signal.signal(signal.SIGALRM, _on_alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def load(source: str, name: str) -> Callable[..., object]:
    """Run the source and return what it defines under that name. Raises whatever the source raises."""
    namespace: dict[str, Any] = {"__name__": "test_function", "__file__": FILE}
    exec(compile(source, FILE, "exec"), namespace)  # noqa: S102 (that is what the sandbox is for)
    function: object = namespace.get(name)
    if not callable(function):
        raise NameError(f"the source defines no function {name}")
    return function


def score(function: Callable[..., object], arguments: list[str]) -> float:
    """Call it. Raises what it raises, and TypeError or ValueError if it gives no finite number."""
    value = function(*arguments)
    if isinstance(value, str | bytes) or not hasattr(value, "__float__"):
        raise TypeError(f"the function must return a number, not {_kind(value)}")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"the function returned {number}, which is not a finite number")
    return number


def explain(error: BaseException, *, seconds: float, memory_mb: int) -> str:
    """One line: the error's kind, its message and the line of the function where it came from."""
    if isinstance(error, TimeLimit):
        return f"TimeLimit: it took longer than {seconds:g} s{_place(error)}"
    if isinstance(error, MemoryError):
        return f"MemoryError: it needs more than {memory_mb} MB{_place(error)}"
    try:
        message = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    except Exception:  # noqa: BLE001 (the error is an object of the user's, and may do anything)
        message = _kind(error)
    return f"{message[:_LONGEST_REASON]}{_place(error)}"


def leaves_threads() -> bool:
    return threading.active_count() > 1


def _on_alarm(_signal: int, _frame: FrameType | None) -> None:
    raise TimeLimit


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__[:_LONGEST_REASON]


def _place(error: BaseException) -> str:
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == FILE:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f" (line {line})" if line is not None else ""
