"""The two Linux process controls that the standard library does not offer."""

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
# Loaded at import: between fork and exec a child must not take the dynamic loader's lock.
_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def die_with_parent(number: signal.Signals, parent: int) -> None:
    """Have the kernel send `number` to this process when its parent's spawning thread ends."""
    _prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # the parent was gone before the wish was registered
        os._exit(1)


def dying_with_parent(number: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn` that ties the new process to the caller; call it in the caller."""
    parent = os.getpid()
    return lambda: die_with_parent(number, parent)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
