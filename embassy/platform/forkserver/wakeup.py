"""Signals as bytes on a socket, so that one poll loop waits for signals and messages alike."""

import signal
import socket
from collections.abc import Iterable


class Wakeup:
    """Turns the given signals into readable events. Main thread only; one per process."""

    def __init__(self, signums: Iterable[signal.Signals]) -> None:
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)
        signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        for signum in signums:
            signal.signal(signum, _do_nothing)

    def fileno(self) -> int:
        """The descriptor to poll for reading."""
        return self._receiver.fileno()

    def drain(self) -> set[int]:
        """The signals that have arrived since the last call."""
        seen: set[int] = set()
        while True:
            try:
                seen.update(self._receiver.recv(4096))
            except BlockingIOError:
                return seen

    def close(self) -> None:
        """Give the signals back to their default handlers; for a freshly forked process."""
        signal.set_wakeup_fd(-1)
        self._receiver.close()
        self._sender.close()


def _do_nothing(signum: int, frame: object) -> None:
    # A handler must exist, or Python does not write the signal's number to the wake-up descriptor.
    pass
