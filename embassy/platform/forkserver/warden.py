"""The process between a client and its child.

It starts the program, passes signals on, reports the exit, and answers for the whole tree: as a subreaper
it inherits every process that the program leaves behind, and it kills them all before it reports the exit.
`python -m embassy.platform.forkserver.warden --fd N --program NAME` is the same without a standby.
"""

import argparse
import os
import select
import signal
import socket
import sys
import time

from embassy.platform.forkserver import linux, protocol
from embassy.platform.forkserver.program import Program
from embassy.platform.forkserver.wakeup import Wakeup

# How long to keep killing before giving up on processes that the kernel cannot end (stuck in a device).
SWEEP_S = 20.0
_RECEIVE_BYTES = 65536


class Warden:
    """Owns one connection and at most one child. Runs in a process of its own and ends with it."""

    def __init__(self, connection: socket.socket, program: Program, parent: int | None) -> None:
        """`parent` is the standby whose death must end the child; None when the lifeline is all there is."""
        self._connection = connection
        self._program = program
        self._parent = parent
        self._lines = protocol.Lines()
        self._pid = 0
        self._code: int | None = None
        self._kill_at: float | None = None
        self._grace_s = 0.0
        self._client_gone = False

    def run(self) -> int:
        """Serve the connection to its end; returns the exit code of the warden itself."""
        self._settle()
        self._tell({"event": "ready", "program": self._program.name})
        request = self._await_request()
        if request is None or not self._start(request):
            return 1
        while self._code is None:
            self._wait_for_something()
            self._reap()
            self._kill_when_due()
        self._sweep()
        self._tell({"event": "exited", "code": self._code})
        return 0

    def _settle(self) -> None:
        self._wakeup = Wakeup([signal.SIGCHLD, signal.SIGTERM])
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the client decides when the child ends
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        linux.adopt_orphans()
        linux.set_process_name("warden")
        if self._parent is not None:
            linux.die_with_parent(self._parent, signal.SIGTERM)

    def _await_request(self) -> protocol.Request | None:
        """The client's request; None when the client, or the standby, has gone before sending one."""
        while not self._client_gone:
            readable, _, _ = select.select(self._watched(), [], [])
            if self._wakeup in readable and signal.SIGTERM in self._wakeup.drain():
                return None
            if self._connection in readable:
                for message in self._receive():
                    return self._read_request(message)
        return None

    def _read_request(self, message: dict[str, object]) -> protocol.Request | None:
        try:
            return protocol.Request.from_message(message)
        except protocol.ProtocolError as error:
            self._tell({"event": "failed", "error": str(error)})
            return None

    def _start(self, request: protocol.Request) -> bool:
        try:
            log = _open_log(request)
        except OSError as error:
            self._tell({"event": "failed", "error": str(error)})
            return False
        self._grace_s = request.grace_s
        self._pid = self._fork(request, log)
        os.close(log)
        self._tell({"event": "started", "pid": self._pid, "start_time": linux.start_time(self._pid)})
        return True

    def _fork(self, request: protocol.Request, log: int) -> int:
        warden = os.getpid()
        # Held back until the child has its own handlers: a SIGTERM that arrives before would be lost.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        pid = os.fork()
        if pid == 0:
            linux.die_with_parent(warden, signal.SIGKILL)
            self._wakeup.close()
            self._connection.close()
            self._program.run(request, log)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())
        return pid

    def _wait_for_something(self) -> None:
        timeout = None if self._kill_at is None else max(0.0, self._kill_at - time.monotonic())
        readable, _, _ = select.select(self._watched(), [], [], timeout)
        if self._wakeup in readable and signal.SIGTERM in self._wakeup.drain():
            # The standby has died or stops. No grace, so that the exit code says "killed".
            self._kill_at = 0.0
        if self._connection in readable:
            for message in self._receive():
                self._obey(message)
            if self._client_gone:
                self._begin_to_end()

    def _watched(self) -> list[socket.socket | Wakeup]:
        return [self._wakeup] if self._client_gone else [self._wakeup, self._connection]

    def _receive(self) -> list[dict[str, object]]:
        try:
            data = self._connection.recv(_RECEIVE_BYTES)
            messages = list(self._lines.feed(data))
        except (OSError, protocol.ProtocolError) as error:
            print(f"warden {os.getpid()}: dropped its client: {error}", file=sys.stderr)
            data, messages = b"", []
        self._client_gone = not data
        return messages

    def _obey(self, message: dict[str, object]) -> None:
        signum = message.get("signal")
        if isinstance(signum, int) and signum in signal.valid_signals():
            os.kill(self._pid, signum)  # not reaped yet, so the pid is still ours

    def _begin_to_end(self) -> None:
        os.kill(self._pid, signal.SIGTERM)
        if self._kill_at is None:
            self._kill_at = time.monotonic() + self._grace_s

    def _kill_when_due(self) -> None:
        if self._code is None and self._kill_at is not None and time.monotonic() >= self._kill_at:
            os.kill(self._pid, signal.SIGKILL)
            self._kill_at = None

    def _reap(self) -> bool:
        """Collect every dead child, adopted ones too. False once there is no child left at all."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._pid:
                self._code = os.waitstatus_to_exitcode(status)

    def _sweep(self) -> None:
        """Kill what the program left behind, again and again, because the dying may have forked."""
        deadline = time.monotonic() + SWEEP_S
        while self._reap():
            if time.monotonic() > deadline:
                print(f"warden {os.getpid()}: cannot kill {linux.descendants(os.getpid())}", file=sys.stderr)
                return
            kill_all(linux.descendants(os.getpid()))
            time.sleep(0.005)

    def _tell(self, message: dict[str, object]) -> None:
        if self._client_gone:
            return
        try:
            protocol.send(self._connection, message)
        except OSError:
            # The client closed its end while we wrote; the next read finds that out and ends the child.
            return


def kill_all(pids: list[int]) -> None:
    """SIGKILL each; those that are gone, or that belong to somebody else by now, are left alone."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def _open_log(request: protocol.Request) -> int:
    if not os.path.isdir(request.cwd):
        raise NotADirectoryError(f"no such folder to start in: {request.cwd}")
    return os.open(request.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def main(argv: list[str]) -> int:
    """Serve the one client at the other end of the inherited socket."""
    parser = argparse.ArgumentParser(prog="warden")
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--program", required=True)
    options = parser.parse_args(argv)
    connection = socket.socket(fileno=options.fd)
    connection.set_inheritable(False)
    return Warden(connection, Program(options.program), parent=None).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
