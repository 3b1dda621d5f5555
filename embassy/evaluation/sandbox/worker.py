"""One sandboxed process: started, asked, killed."""

import math
import os
import secrets
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from embassy.evaluation.sandbox import command as commands
from embassy.evaluation.sandbox import interpreter
from embassy.evaluation.sandbox.channel import Channel, ChannelError, NotAnAnswer, TooSlow
from embassy.evaluation.sandbox.policy import Level, Limits

# How much later than the process itself the parent ends a call.
GRACE_S = 1.0
_REAP_S = 10.0
_LONGEST_COMPLAINT = 2000
_LEAST_LANDLOCK = 4  # Linux 6.7


class StartError(Exception):
    """The sandbox did not come up; the message says why."""


class Died(Exception):
    """The process is gone, or had to go; the message is the reason for the row that it worked on."""


@dataclass(frozen=True)
class Code:
    """A function's source, its name, and the modules to import before its clock runs."""

    source: str
    name: str
    modules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """`value` or `error`; `spent`: the process should not be asked again."""

    value: float | None
    error: str
    output: str
    spent: bool


class Worker:
    """A process that has loaded one function. `load_error` is why it could not, empty if it could."""

    def __init__(
        self, code: Code | None, *, level: Level, limits: Limits, uid: int, bwrap: str | None
    ) -> None:
        """Raises StartError if there is no sandbox, Died if the source does not let itself be loaded."""
        self._limits = limits
        self.born = time.monotonic()
        self.load_error = self.load_output = ""
        self._process = _start(level, limits, uid=uid, bwrap=bwrap)
        assert self._process.stdin
        assert self._process.stdout
        self._channel = Channel(self._process.stdout.fileno(), self._process.stdin.fileno())
        try:
            self._confine(code, level)
            if code is not None:
                self._load()
        except BaseException:
            self.kill()
            raise

    def ask(self, row: tuple[str, str, str]) -> Answer:
        """Raises Died; the process is gone then."""
        # Not the next number: an answer must not be there before its question.
        question = secrets.randbits(62)
        try:
            deadline = time.monotonic() + self._limits.seconds + GRACE_S
            self._channel.send({"id": question, "row": row}, deadline)
            return _answer(self._channel.receive(deadline), question)
        except ChannelError as error:
            raise self._death(error) from None

    def is_quiet(self) -> bool:
        """Whether it has said no more than it was asked; if not, it cannot be told what answers what."""
        return self._channel.is_quiet()

    def kill(self) -> None:
        """End it and everything in it. May be called again."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):  # stuck in the kernel: it is dead as soon as it comes out
            self._process.wait(_REAP_S)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def _confine(self, code: Code | None, level: Level) -> None:
        deadline = time.monotonic() + self._limits.start_seconds
        try:
            self._channel.send(_setup(code, level, self._limits), deadline)
            answer = self._channel.receive(deadline)
        except TooSlow:
            raise StartError(f"it did not start within {self._limits.start_seconds:g} s") from None
        except ChannelError:
            raise StartError(self._complaint()) from None
        _check_confined(answer, level)

    def _load(self) -> None:
        seconds = self._limits.start_seconds + self._limits.seconds + GRACE_S
        try:
            answer = self._channel.receive(time.monotonic() + seconds)
        except ChannelError as error:
            raise self._death(error) from None
        if answer.get("loaded") is not True:
            self.load_error = _text(answer, "error") or "it could not be loaded"
            self.load_output = _text(answer, "output")

    def _death(self, error: ChannelError) -> Died:
        """Kill what is left, and say what happened."""
        if isinstance(error, TooSlow):
            self.kill()
            return Died(f"TimeLimit: it took longer than {self._limits.seconds:g} s and was killed")
        if isinstance(error, NotAnAnswer):
            self.kill()
            return Died("the function wrote into the channel of the sandbox, and was killed")
        code = self._exit_code()
        self.kill()
        return Died(_why_it_ended(code))

    def _exit_code(self) -> int | None:
        try:
            return self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            return None  # it only closed its end

    def _complaint(self) -> str:
        """What the sandbox wrote before it gave up."""
        if self._exit_code() is None:
            return "it closed its output and went on"
        assert self._process.stderr
        text = self._process.stderr.read(_LONGEST_COMPLAINT).decode(errors="replace").strip()
        return text.splitlines()[-1] if text else f"it ended at once (exit status {self._process.poll()})"


def _start(level: Level, limits: Limits, *, uid: int, bwrap: str | None) -> "subprocess.Popen[bytes]":
    arguments = commands.command(
        level, interpreter.find(), limits, bwrap=bwrap, uid=uid if os.geteuid() == 0 else None
    )
    try:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=commands.ENVIRONMENT,
            cwd="/",
            start_new_session=True,
            bufsize=0,
        )
    except OSError as error:
        raise StartError(str(error)) from None


def _setup(code: Code | None, level: Level, limits: Limits) -> dict[str, Any]:
    python = interpreter.find()
    return {
        "home": commands.home_of(level),
        "confine": level is not Level.NONE,
        "limits": limits.as_resource_limits(),
        "readable": [*python.readable, *interpreter.DEVICES],
        "writable": ["/dev/null", *([commands.SCRATCH] if level is Level.STRONG else [])],
        "packages": list(python.packages),
        "source": code.source if code else None,
        "name": code.name if code else "",
        "modules": list(code.modules) if code else [],
        "seconds": limits.seconds,
        "start_seconds": limits.start_seconds,
        "memory_mb": limits.memory_mb,
        "output_characters": limits.output_characters,
    }


def _check_confined(answer: dict[str, Any], level: Level) -> None:
    """Raises StartError unless everything that the level promises holds."""
    if "failed" in answer:
        raise StartError(f"it cannot confine itself: {_text(answer, 'failed')}")
    confined = answer.get("confined")
    if not isinstance(confined, dict):
        raise StartError("it did not say that it is confined")
    if level is not Level.NONE and confined.get("seccomp") is not True:
        raise StartError("the system calls of this kind of processor are not known to it")
    if level is Level.BASIC and int(confined.get("landlock", 0)) < _LEAST_LANDLOCK:
        raise StartError("the kernel has no Landlock of version 4 or later (Linux 6.7)")


def _answer(message: dict[str, Any], expected_id: int) -> Answer:
    """Raises NotAnAnswer for whatever the guest program would not have said."""
    value, error = message.get("value"), _text(message, "error")
    if message.get("id") != expected_id:
        raise NotAnAnswer
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        raise NotAnAnswer
    if value is None and not error:
        raise NotAnAnswer
    if value is not None and not math.isfinite(value):
        raise NotAnAnswer
    number = None if value is None or error else float(value)
    return Answer(number, error, _text(message, "output"), spent=message.get("spent") is True)


def _text(message: dict[str, Any], name: str) -> str:
    value = message.get(name, "")
    # Lone halves of surrogate pairs cannot be stored or sent on.
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def _why_it_ended(code: int | None) -> str:
    """Bubblewrap passes on the death by a signal as 128 + its number."""
    if code is None:
        return "the function closed the channel of the sandbox, and was killed"
    number = -code if code < 0 else code - 128
    if number == signal.SIGKILL:
        return "its process was killed: it used more memory or processor time than it may"
    if 0 < number < signal.NSIG:
        return f"its process crashed ({_signal_name(number)})"
    return f"the function ended its process (exit status {code})"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
