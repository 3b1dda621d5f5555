"""The filter, run by a small interpreter of the kernel's instructions: also for the machine we are not on."""

import errno
import struct

import pytest

from embassy.evaluation.sandbox.guest import seccomp
from embassy.evaluation.sandbox.guest.syscalls import NUMBERS

ALLOW, KILL = 0x7FFF0000, 0x80000000
ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
COLUMN = {"x86_64": 0, "aarch64": 1}
READ = {"x86_64": 0, "aarch64": 63}


def refused(code: int) -> int:
    return 0x00050000 | code


def decide(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    program = list(struct.iter_unpack("=HBBI", seccomp.build(machine)))
    padded = (*arguments, *[0] * (6 - len(arguments)))
    data = struct.pack("=IIQ6Q", number, architecture or ARCHITECTURE[machine], 0, *padded)
    accumulator, at = 0, 0
    while True:
        code, if_true, if_false, value = program[at]
        if code == 0x06:
            return value
        if code == 0x20:
            [accumulator] = struct.unpack_from("=I", data, value)
            at += 1
            continue
        tests = {
            0x15: accumulator == value,
            0x25: accumulator > value,
            0x35: accumulator >= value,
            0x45: bool(accumulator & value),
        }
        at += 1 + (if_true if tests[code] else if_false)


@pytest.fixture(params=["x86_64", "aarch64"])
def machine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def call(machine: str, name: str, *arguments: int) -> int:
    number = NUMBERS[name][COLUMN[machine]]
    assert number is not None
    return decide(machine, number, *arguments)


def test_ordinary_calls_pass(machine: str) -> None:
    assert decide(machine, READ[machine], 3) == ALLOW


def test_forbidden_calls_are_refused(machine: str) -> None:
    names = [name for name in seccomp.FORBIDDEN if NUMBERS[name][COLUMN[machine]] is not None]
    assert {name: call(machine, name) for name in names} == dict.fromkeys(names, refused(errno.EPERM))


def test_threads_may_be_started_but_no_processes_and_namespaces(machine: str) -> None:
    thread = 0x00010000 | 0x100 | 0x200 | 0x400 | 0x800
    assert call(machine, "clone", thread) == ALLOW
    assert call(machine, "clone", 17) == refused(errno.EPERM)
    assert call(machine, "clone", thread | 0x10000000) == refused(errno.EPERM)
    assert call(machine, "clone", 0x00020000 | 17) == refused(errno.EPERM)
    assert call(machine, "clone3", 0) == refused(errno.ENOSYS)


@pytest.mark.parametrize("name", ["prlimit64", "sched_setaffinity", "sched_setscheduler"])
def test_only_itself_may_be_limited(machine: str, name: str) -> None:
    assert call(machine, name, 0) == ALLOW
    assert call(machine, name, 1234) == refused(errno.EPERM)


@pytest.mark.parametrize(
    ("name", "arguments", "passes"),
    [
        ("ioctl", (0, 0x5401), True),
        ("ioctl", (0, 0x5412), False),
        ("fcntl", (3, 1030), True),
        ("fcntl", (3, 8), False),
        ("prctl", (15,), True),
        ("prctl", (1,), False),
        # Only the lower half counts for the kernel, so it must count for the filter.
        ("ioctl", (0, 0x5412 | 1 << 32), False),
    ],
)
def test_single_requests(machine: str, name: str, arguments: tuple[int, ...], passes: bool) -> None:
    assert call(machine, name, *arguments) == (ALLOW if passes else refused(errno.EPERM))


def test_unknown_calls_do_not_exist(machine: str) -> None:
    assert decide(machine, 463) == refused(errno.ENOSYS)


def test_calls_of_another_architecture_kill(machine: str) -> None:
    assert decide(machine, READ[machine], architecture=0x40000003) == KILL


def test_x32_calls_kill() -> None:
    assert decide("x86_64", 0x40000000) == KILL


def test_no_jump_is_longer_than_the_instruction_can_say(machine: str) -> None:
    assert len(seccomp.build(machine)) // 8 < 4096
