"""Child processes that cannot outlive us: engines and trainers, from a standby or by a plain spawn.

Either way a *warden* process (`embassy.platform.forkserver.warden`) stands between us and the child. It
reports the exit only when nothing that the child ever started is left, and ends everything when we die,
by whatever cause, because our end of its socket closes then. All calls are synchronous.
"""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from embassy.platform.forkserver import protocol

Origin = Literal["standby", "spawned"]

# A standby that is stopped or starved accepts connections and never answers: then spawn instead.
STANDBY_ANSWER_S = 10.0
START_S = 60.0
CLOSE_S = 30.0
DEFAULT_GRACE_S = 5.0

# poll() of a child whose warden vanished without a report: both were killed.
LOST = -int(signal.SIGKILL)

_ROOT = Path(__file__).resolve().parents[2]
_RECEIVE_BYTES = 65536

# What a child may see of our environment. The rest (database and broker passwords, signing keys) is not
# for it.
_INHERITED = frozenset(
    {
        *("HOME", "LOGNAME", "USER", "PATH", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LD_PRELOAD"),
        *("LANG", "LANGUAGE", "TZ", "TMPDIR", "SSL_CERT_DIR", "SSL_CERT_FILE"),
        # The launcher's mark, by which it sweeps up, and what keeps process titles from overwriting it.
        *("EMBASSY_LAUNCHER_HOME", "EMBASSY_LAUNCHER_SERVICE", "SPT_NOENV"),
    }
)
_INHERITED_PREFIXES = ("CUDA_", "LC_", "NVIDIA_", "NCCL_")


class ChildStartError(RuntimeError):
    """The child could not be started; the message says why."""


class _NoStandbyError(Exception):
    """No standby for this program answers."""


class Child:
    """One running program. Close it (or leave its `with` block) and nothing of it remains.

    `pid` and `start_time` (clock ticks since boot) name the program's process for ever; `origin` says
    how it began.
    """

    def __init__(self, connection: socket.socket, warden: subprocess.Popen[bytes] | None) -> None:
        """Takes over a connection to a warden; `start_child` makes one."""
        self.origin: Origin = "standby" if warden is None else "spawned"
        self.pid = 0
        self.start_time = 0
        self._connection = connection
        self._warden = warden
        self._lines = protocol.Lines()
        self._messages: deque[dict[str, Any]] = deque()
        self._gone = False
        self._code: int | None = None

    def poll(self) -> int | None:
        """The exit code (minus the signal if killed) once the child and all it started ended, else None."""
        self._look(0.0)
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Like poll(), but wait up to `timeout` seconds (None: for ever); raises TimeoutError."""
        self._look(timeout)
        if self._code is None:
            raise TimeoutError(f"child {self.pid} still runs after {timeout} s")
        return self._code

    def send_signal(self, signum: int) -> None:
        """Signal the program's own process; nothing happens if it has ended."""
        if self._code is None:
            with suppress(BrokenPipeError, ConnectionResetError):
                protocol.send(self._connection, {"signal": int(signum)})

    def terminate(self) -> None:
        """Ask the program to stop (SIGTERM)."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL the program; its warden then kills everything that it started."""
        self.send_signal(signal.SIGKILL)

    def stop(self, grace: float) -> int:
        """SIGTERM, wait up to `grace` seconds, then SIGKILL; returns the exit code."""
        self.terminate()
        try:
            return self.wait(grace)
        except TimeoutError:
            self.kill()
            return self.wait(CLOSE_S)

    def close(self) -> None:
        """Kill whatever still runs, wait for it, and free the connection. May be called again.

        Raises TimeoutError if something cannot be killed, such as a process stuck in a device.
        """
        try:
            if self._code is None and self._connection.fileno() >= 0:
                self.kill()
                self.wait(CLOSE_S)
        finally:
            self._connection.close()  # a stuck warden finds its client gone when it comes back
        self._release()

    def fileno(self) -> int:
        """Readable when poll() may have news, for select()."""
        return self._connection.fileno()

    def __enter__(self) -> "Child":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self, request: protocol.Request) -> None:
        """Have the warden start the program; raises ChildStartError. Called by `start_child`."""
        with suppress(BrokenPipeError, ConnectionResetError):  # a warden that died is reported just below
            protocol.send(self._connection, request.to_message())
        message = self.receive(START_S) or {}
        if message.get("event") != "started":
            self._release()
            raise ChildStartError(message.get("error", "its warden did not answer; see the child's log"))
        self.pid, self.start_time = message["pid"], message["start_time"]

    def receive(self, timeout: float | None) -> dict[str, Any] | None:
        """The next message; None if none came within `timeout` seconds or the warden has gone."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._messages:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not self._is_readable(left) or not (data := self._read()):
                return None
            self._messages.extend(self._lines.feed(data))
        return self._messages.popleft()

    def _look(self, timeout: float | None) -> None:
        if self._code is not None:
            return
        message = self.receive(timeout)
        if message is not None:
            self._code = message["code"]  # after "started", the exit is all that a warden reports
        elif self._gone:
            self._code = LOST
        if self._code is not None:
            self._release()

    def _read(self) -> bytes:
        data = b""
        with suppress(ConnectionResetError):
            data = self._connection.recv(_RECEIVE_BYTES)
        self._gone = not data
        return data

    def _is_readable(self, timeout: float | None) -> bool:
        poll = select.poll()  # not select(): it fails on descriptors above 1023
        poll.register(self._connection, select.POLLIN)
        return bool(poll.poll(None if timeout is None else timeout * 1000))

    def _release(self) -> None:
        self._connection.close()
        if self._warden is not None:
            self._warden.wait()


def start_child(
    *,
    program: str,
    argv: list[str],
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    standby: Path | None,
    grace_s: float = DEFAULT_GRACE_S,
) -> Child:
    """Start `python -m PROGRAM argv`, from the standby on that socket if it answers, else by a plain spawn.

    `env` is added to the few variables that a child may inherit. stdout and stderr are appended to `log`.
    If this process dies, the child gets SIGTERM and SIGKILL `grace_s` seconds later. Raises ChildStartError.
    """
    request = protocol.Request(
        argv=argv, env=_inherited() | dict(env), cwd=str(cwd), log=str(log), grace_s=grace_s
    )
    child = _connect(program, standby, request)
    child.start(request)
    return child


def _connect(program: str, standby: Path | None, request: protocol.Request) -> Child:
    if standby is not None:
        with suppress(_NoStandbyError):
            return _from_standby(program, standby)
    return _spawned(program, request)


def _from_standby(program: str, path: Path) -> Child:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(STANDBY_ANSWER_S)
        connection.connect(str(path))
        connection.settimeout(None)
        child = Child(connection, warden=None)
        hello = child.receive(STANDBY_ANSWER_S) or {}
    except OSError as error:
        connection.close()
        raise _NoStandbyError from error
    if hello.get("program") != program:
        connection.close()
        raise _NoStandbyError
    return child


def _spawned(program: str, request: protocol.Request) -> Child:
    ours, theirs = socket.socketpair()
    try:
        with theirs, open(request.log, "ab") as log:
            warden = _spawn_warden(program, request.env, theirs.fileno(), log.fileno())
    except OSError as error:
        ours.close()
        raise ChildStartError(str(error)) from error
    child = Child(ours, warden)
    child.receive(START_S)  # the greeting
    return child


def _spawn_warden(program: str, env: dict[str, str], connection: int, log: int) -> subprocess.Popen[bytes]:
    module = "embassy.platform.forkserver.warden"
    # From the folder that holds our package, so that `-m` finds it wherever the child is to run.
    return subprocess.Popen(
        [sys.executable, "-m", module, f"--fd={connection}", f"--program={program}"],
        cwd=_ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=[connection],
        start_new_session=True,
    )


def _inherited() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name in _INHERITED or name.startswith(_INHERITED_PREFIXES)
    }
