"""Confine this process, load one function, and score rows until the parent closes the pipe.

Requests: first what to confine and what to load, then `{"id": 7, "row": [input, expected, predicted]}`.
Answers: `{"confined": …}`, `{"loaded": true}`, then `{"id": 7, "value": 0.5}` or `{"id": 7, "error": "…"}`.
"""

import ctypes
import importlib
import signal
import sys
from collections.abc import Callable
from typing import Any

from . import function, landlock, limits, seccomp
from .channel import Channel
from .output import CappedOutput

_PR_SET_PDEATHSIG = 1


def main() -> None:
    channel = Channel.take_over_pipes()
    setup = channel.receive()
    if setup is None:
        return
    try:
        channel.send({"confined": confine(setup)})
    except (OSError, KeyError) as error:
        channel.send({"failed": f"{type(error).__name__}: {error}"})
        return
    if setup["source"] is not None:
        Session(channel, setup).serve()


def confine(setup: dict[str, Any]) -> dict[str, Any]:
    """Give up every right that scoring does not need; returns what holds now. Raises OSError."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    limits.apply(setup["limits"])
    confined = {"landlock": 0, "seccomp": False}
    if not setup["confine"]:
        return confined
    seccomp.set_no_new_privileges()
    if landlock.abi():
        confined["landlock"] = landlock.restrict(setup["readable"], setup["writable"])
    if seccomp.is_supported():
        seccomp.restrict()
        confined["seccomp"] = True
    return confined


class Session:
    def __init__(self, channel: Channel, setup: dict[str, Any]) -> None:
        self._channel, self._setup = channel, setup
        self._output = CappedOutput(setup["output_characters"])

    def serve(self) -> None:
        sys.path[:] = [path for path in sys.path if path != self._setup["home"]] + self._setup["packages"]
        sys.stdout = sys.stderr = self._output
        error = self._import()
        self._output.take()  # what libraries say about missing semaphores and the like is no news
        error = error or self._load()
        if error is not None:
            self._channel.send({"loaded": False, "error": error, "output": self._output.take()})
            return
        self._channel.send({"loaded": True})
        while (request := self._channel.receive()) is not None:
            self._channel.send(self._answer(request))

    def _import(self) -> str | None:
        """Before the clock of the function runs: a big library takes its time."""

        def import_all() -> None:
            for module in self._setup["modules"]:
                importlib.import_module(module)

        return self._explained(import_all, self._setup["start_seconds"])

    def _load(self) -> str | None:
        def load() -> None:
            self._function = function.load(self._setup["source"], self._setup["name"])

        return self._explained(load, self._setup["seconds"])

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        values: list[float] = []

        def call() -> None:
            values.append(function.score(self._function, request["row"]))

        error = self._explained(call, self._setup["seconds"])
        answer: dict[str, Any] = {"id": request["id"], "value": values[0]} if error is None else {}
        if error is not None:
            answer = {"id": request["id"], "error": error}
        if output := self._output.take():
            answer["output"] = output
        if function.leaves_threads():
            answer["spent"] = True
        return answer

    def _explained(self, act: Callable[[], None], seconds: float) -> str | None:
        """Why the act failed; None if it did not. Also SystemExit and KeyboardInterrupt are failures."""
        try:
            with function.limited(seconds):
                act()
        except BaseException as error:  # noqa: BLE001 (the code is a user's: nothing may end the worker)
            return function.explain(error, seconds=seconds, memory_mb=self._setup["memory_mb"])
        return None
