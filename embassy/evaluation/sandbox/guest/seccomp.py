"""The system calls that the code of a user does not get, as a seccomp filter.

One process without sockets, children, programs, signals to others, mounts or kernel interfaces beyond
plain files, memory, threads and clocks. What it lacks answers EPERM, so that Python raises PermissionError.
"""

import ctypes
import errno
import os
import platform
import struct

from .syscalls import LAST_KNOWN, NUMBERS

FORBIDDEN = frozenset(NUMBERS) - {
    *("clone", "clone3", "fcntl", "ioctl", "prctl", "prlimit64"),
    *("sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler"),
}
# Allowed only if the first argument, a process, is 0: oneself.
_ONLY_FOR_ITSELF = (
    *("prlimit64", "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler"),
)
# Which argument must not have which values.
_FORBIDDEN_VALUES = {
    "fcntl": (1, (8, 10, 15)),  # F_SETOWN, F_SETSIG, F_SETOWN_EX: signals to others
    "ioctl": (1, (0x5412, 0x541C, 0x540E, 0x5452, 0x8901, 0x8902)),  # typing into terminals, SIGIO to others
    "prctl": (0, (1, 35)),  # PR_SET_PDEATHSIG: it must die with its parent; PR_SET_MM
}
_CLONE_THREAD = 0x00010000
_CLONE_NAMESPACES = 0x7E020000 | 0x80  # every CLONE_NEW…, the time namespace included

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_X32_BIT = 0x40000000

_LD, _AND_SET, _EQUAL, _GREATER, _AT_LEAST, _RETURN = 0x20, 0x45, 0x15, 0x25, 0x35, 0x06
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER_MODE = 38, 22, 2

_libc = ctypes.CDLL(None, use_errno=True)


def is_supported() -> bool:
    return platform.machine() in _ARCHITECTURES


def set_no_new_privileges() -> None:
    """No program started from here on gains rights by being setuid. Landlock and seccomp ask for it."""
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def restrict() -> None:
    """Install the filter for good. Needs `no_new_privs`. Raises OSError."""
    program = build(platform.machine())
    instructions = ctypes.create_string_buffer(program, len(program))
    header = _Program(len(program) // 8, ctypes.cast(instructions, ctypes.c_void_p))
    _check(_libc.prctl(_PR_SET_SECCOMP, _FILTER_MODE, ctypes.byref(header), 0, 0))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def build(machine: str) -> bytes:
    """The filter as the kernel takes it. Raises KeyError for a machine that it has no numbers for."""
    column, architecture = _ARCHITECTURES[machine]
    program = [
        _instruction(_LD, _ARCHITECTURE_AT),
        _instruction(_EQUAL, architecture, 1, 0),
        _instruction(_RETURN, _KILL),
        _instruction(_LD, _NUMBER_AT),
        *_refusal_of_x32(machine),
        _instruction(_GREATER, LAST_KNOWN, 0, 1),
        _instruction(_RETURN, _refuse(errno.ENOSYS)),
    ]
    for name, numbers in sorted(NUMBERS.items()):
        number = numbers[column]
        if number is not None:
            body = _rule(name)
            program += [_instruction(_EQUAL, number, 0, len(body)), *body]
    return b"".join([*program, _instruction(_RETURN, _ALLOW)])


def _rule(name: str) -> list[bytes]:
    """What to do about one system call; ends in an answer."""
    denied = _instruction(_RETURN, _refuse(errno.EPERM))
    if name == "clone3":  # its flags lie in memory, where a filter cannot look; libc goes on to clone
        return [_instruction(_RETURN, _refuse(errno.ENOSYS))]
    if name == "clone":
        return [
            _load_argument(0),
            _instruction(_AND_SET, _CLONE_NAMESPACES, 2, 0),
            _instruction(_AND_SET, _CLONE_THREAD, 0, 1),
            _instruction(_RETURN, _ALLOW),
            denied,
        ]
    if name in _ONLY_FOR_ITSELF:
        return [_load_argument(0), _instruction(_EQUAL, 0, 0, 1), _instruction(_RETURN, _ALLOW), denied]
    if name in _FORBIDDEN_VALUES:
        index, values = _FORBIDDEN_VALUES[name]
        tests = [test for value in values for test in (_instruction(_EQUAL, value, 0, 1), denied)]
        return [_load_argument(index), *tests, _instruction(_RETURN, _ALLOW)]
    return [denied]


def _refusal_of_x32(machine: str) -> list[bytes]:
    if machine != "x86_64":
        return []
    return [_instruction(_AT_LEAST, _X32_BIT, 0, 1), _instruction(_RETURN, _KILL)]


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _load_argument(index: int) -> bytes:
    """The lower half: each argument looked at is 32 bits wide, or has its flags there."""
    return _instruction(_LD, _ARGUMENTS_AT + 8 * index)


def _refuse(code: int) -> int:
    return 0x00050000 | code


def _check(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
