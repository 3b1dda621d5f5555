"""The standby's listener: for each client it forks a warden, and that is all it does."""

import contextlib
import os
import select
import signal
import socket
import struct
import sys
import time
import traceback
from pathlib import Path

from embassy.platform.forkserver import linux
from embassy.platform.forkserver.program import Program
from embassy.platform.forkserver.wakeup import Wakeup
from embassy.platform.forkserver.warden import Warden, kill_all

STOP_S = 10.0
_BACKLOG = 64
_PEER = struct.Struct("3i")  # pid, uid, gid


class AlreadyServedError(RuntimeError):
    """Another standby answers on this socket."""


class Server:
    """Single-threaded by necessity: only a process with one thread may be forked and go on running Python."""

    def __init__(self, program: Program, path: Path) -> None:
        self._program = program
        self._path = path
        self._wardens: set[int] = set()

    def serve(self) -> None:
        """Accept clients until SIGTERM or SIGINT, then end every child. Raises AlreadyServedError."""
        self._wakeup = Wakeup([signal.SIGCHLD, signal.SIGTERM, signal.SIGINT])
        linux.adopt_orphans()
        self._listener = listen(self._path)
        while not self._asked_to_stop():
            self._reap()
        self._listener.close()
        self._path.unlink(missing_ok=True)
        self._stop_wardens()

    def _asked_to_stop(self) -> bool:
        watched: list[socket.socket | Wakeup] = [self._listener, self._wakeup]
        readable, _, _ = select.select(watched, [], [])
        if self._listener in readable:
            self._accept()
        signals = self._wakeup.drain() if self._wakeup in readable else set()
        return bool(signals & {signal.SIGTERM, signal.SIGINT})

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        with connection:
            _, uid, _ = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
            if uid in (os.getuid(), 0):
                self._wardens.add(self._fork_warden(connection))
            else:
                print(f"standby: refused a client of user {uid}", file=sys.stderr)

    def _fork_warden(self, connection: socket.socket) -> int:
        standby = os.getpid()
        if pid := os.fork():
            return pid
        code = 1
        try:
            os.setsid()  # a Ctrl-C in the terminal is for the launcher, not for the children
            self._listener.close()
            self._wakeup.close()
            connection.setblocking(True)
            code = Warden(connection, self._program, parent=standby).run()
        except BaseException:  # noqa: BLE001 - the outermost frame of the warden's process
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                is_stray = ended[0] not in self._wardens
                self._wardens.discard(ended[0])
                if is_stray or os.WIFSIGNALED(ended[1]):
                    self._kill_strays()

    def _kill_strays(self) -> None:
        """A warden was killed: what it guarded comes to us, because we adopt orphans.

        Each stray's own end calls this again, so one that hid behind another is found then.
        """
        kept = {pid for warden in self._wardens for pid in [warden, *linux.descendants(warden)]}
        kill_all([pid for pid in linux.descendants(os.getpid()) if pid not in kept])

    def _stop_wardens(self) -> None:
        deadline = time.monotonic() + STOP_S
        for warden in self._wardens:
            os.kill(warden, signal.SIGTERM)
        while self._wardens and time.monotonic() < deadline:
            select.select([self._wakeup], [], [], 0.5)
            self._wakeup.drain()
            self._reap()


def listen(path: Path) -> socket.socket:
    """A listening socket that only this user can connect to; replaces one that nobody serves any more.

    It appears under its name when it already accepts: whoever sees the file can connect.
    """
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            pass
        else:
            raise AlreadyServedError(f"Another standby is serving {path}. Stop that one first.")
    listener = socket.socket(socket.AF_UNIX)
    unready = path.with_name(f"{path.name}.{os.getpid()}")
    previous = os.umask(0o177)
    try:
        listener.bind(str(unready))
    finally:
        os.umask(previous)
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    unready.rename(path)
    return listener
