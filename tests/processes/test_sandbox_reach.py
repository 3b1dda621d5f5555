"""What the code of a user tries to reach: networks, other processes, programs, the kernel."""

import os
import platform
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from embassy.evaluation.sandbox.guest.syscalls import NUMBERS
from embassy.evaluation.sandbox.policy import Level
from tests.processes.sandboxing import assert_contained

pytestmark = pytest.mark.processes

COLUMN = {"x86_64": 0, "aarch64": 1}[platform.machine()]


@pytest.fixture
def tcp_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_tcp(level: Level, tcp_port: int) -> None:
    attack = f"import socket; socket.create_connection(('127.0.0.1', {tcp_port}), 1); return 1.0"
    assert "Error" in assert_contained(attack, level).reason


def test_udp(level: Level) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.setblocking(False)
        assert_contained(
            "import socket\n"
            "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"
            f".sendto(b'x', ('127.0.0.1', {server.getsockname()[1]}))\n"
            "return 1.0",
            level,
        )
        with pytest.raises(BlockingIOError):
            server.recv(10)


def test_listening(level: Level) -> None:
    assert_contained("import socket; socket.create_server(('127.0.0.1', 0)); return 1.0", level)


def test_raw_sockets(level: Level) -> None:
    assert_contained("import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW); return 1.0", level)


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_unix_sockets(level: Level, kind: str, tmp_path: Path) -> None:
    address = str(tmp_path / "s") if kind == "path" else f"\0embassy-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        assert_contained(
            f"import socket; socket.socket(socket.AF_UNIX).connect({address!r}); return 1.0", level
        )


def test_names_of_hosts(level: Level) -> None:
    attack = "import socket; return float(len(socket.getaddrinfo('localhost.example', 80)) > 0)"
    assert_contained(attack, level)


def test_signals_to_the_parent(level: Level) -> None:
    received = threading.Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: received.set())
    try:
        attack = f"""
        import os, signal
        for pid in (os.getppid(), {os.getpid()}, 1):
            try:
                os.kill(pid, signal.SIGUSR1)
            except OSError:
                pass
        return 0.0
        """
        assert_contained(attack, level)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert not received.is_set()


def test_signal_to_everybody(level: Level) -> None:
    outcome = assert_contained("import os; os.kill(-1, 9); return 1.0", level)
    assert outcome.reason.startswith("PermissionError")


def test_signal_by_file_ownership(level: Level) -> None:
    """F_SETOWN has the kernel send SIGIO to anybody of the same user."""
    attack = f"import fcntl; fcntl.fcntl(0, fcntl.F_SETOWN, {os.getpid()}); return 1.0"
    assert assert_contained(attack, level).reason.startswith("PermissionError")


def test_limits_of_the_parent(level: Level) -> None:
    attack = f"import resource; resource.prlimit({os.getpid()}, resource.RLIMIT_NOFILE, (3, 3)); return 1.0"
    assert assert_contained(attack, level).reason.startswith("PermissionError")


def test_priority_of_the_parent(level: Level) -> None:
    attack = f"import os; os.setpriority(os.PRIO_PROCESS, {os.getpid()}, 19); return 1.0"
    assert_contained(attack, level)
    assert os.getpriority(os.PRIO_PROCESS, os.getpid()) < 19


def test_a_session_of_its_own(level: Level) -> None:
    attack = "import os; os.setsid(); return 1.0"
    assert assert_contained(attack, level).reason.startswith("PermissionError")


def test_outliving_the_parent(level: Level) -> None:
    attack = "import ctypes; return float(ctypes.CDLL(None).prctl(1, 0, 0, 0, 0) == 0)"
    assert assert_contained(attack, level).value == 0.0


def test_child_processes(level: Level) -> None:
    outcome = assert_contained("import os; os.fork(); return 1.0", level)
    assert outcome.reason.startswith("PermissionError")


def test_process_pool(level: Level) -> None:
    attack = """
    from concurrent.futures import ProcessPoolExecutor
    with ProcessPoolExecutor(2) as pool:
        return pool.submit(float, 1).result()
    """
    assert_contained(attack, level)


@pytest.mark.parametrize("program", ["/usr/bin/id", "/bin/su", "/usr/bin/bwrap", "/bin/sh"])
def test_programs(level: Level, program: str) -> None:
    attack = f"import subprocess; subprocess.run([{program!r}, '--version']); return 1.0"
    assert "Error" in assert_contained(attack, level).reason


def test_the_one_program_that_is_there(level: Level) -> None:
    attack = "import subprocess, sys; subprocess.run([sys.executable, '-c', '']); return 1.0"
    assert assert_contained(attack, level).reason.startswith("PermissionError")


def test_becoming_another_program(level: Level) -> None:
    attack = "import os; os.execv('/usr/bin/passwd', ['passwd', '-S'])"
    assert "Error" in assert_contained(attack, level).reason


def test_becoming_root(level: Level) -> None:
    attack = """
    import os
    try:
        os.setresuid(0, 0, 0)
    except OSError:
        pass
    return float(os.getuid() == 0)
    """
    assert assert_contained(attack, level).value == 0.0


def test_mounts(level: Level) -> None:
    attack = """
    import ctypes
    return float(ctypes.CDLL(None).mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0)
    """
    assert assert_contained(attack, level).value == 0.0


def test_user_namespaces(level: Level) -> None:
    attack = "import ctypes; return float(ctypes.CDLL(None).unshare(0x10000000 | 0x20000) == 0)"
    assert assert_contained(attack, level).value == 0.0


def test_cloning_into_a_user_namespace(level: Level) -> None:
    attack = f"""
    import ctypes, os
    libc = ctypes.CDLL(None, use_errno=True)
    arguments = (ctypes.c_uint64 * 11)(0x10000000, 0, 0, 0, 17)
    for result in (
        libc.syscall({NUMBERS["clone3"][COLUMN]}, arguments, 88),
        libc.syscall({NUMBERS["clone"][COLUMN]}, 0x10000000 | 17, 0, 0, 0, 0),
        libc.syscall({NUMBERS["clone"][COLUMN]}, 17, 0, 0, 0, 0),
    ):
        if result == 0:
            os._exit(0)
        if result > 0:
            return 1.0
    return 0.0
    """
    assert assert_contained(attack, level).value == 0.0


KERNEL_INTERFACES = [
    *("add_key", "bpf", "fanotify_init", "fsopen", "io_uring_enter", "io_uring_register", "io_uring_setup"),
    *("kexec_load", "keyctl", "memfd_create", "mq_open", "msgget", "open_tree", "perf_event_open"),
    *("personality", "pidfd_getfd", "pidfd_open", "process_madvise", "ptrace", "quotactl", "reboot"),
    *("request_key", "semget", "setns", "shmget", "swapon", "syslog", "userfaultfd"),
]


def test_kernel_interfaces(level: Level) -> None:
    """EPERM, not EINVAL or EFAULT: the kernel has not even looked at the arguments."""
    numbers = {name: NUMBERS[name][COLUMN] for name in KERNEL_INTERFACES}
    attack = f"""
    import ctypes, errno
    libc = ctypes.CDLL(None, use_errno=True)
    open_ones = [
        name for name, number in {numbers}.items()
        if libc.syscall(number, 0, 0, 0, 0, 0, 0) >= 0 or ctypes.get_errno() != errno.EPERM
    ]
    print(*open_ones)
    return float(len(open_ones) > 0)
    """
    outcome = assert_contained(attack, level)
    assert (outcome.value, outcome.output) == (0.0, "\n")


def test_system_calls_of_later_kernels(level: Level) -> None:
    attack = """
    import ctypes, errno
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall(500, 0, 0, 0)
    return float(ctypes.get_errno() != errno.ENOSYS)
    """
    assert assert_contained(attack, level).value == 0.0


@pytest.mark.skipif(platform.machine() != "x86_64", reason="another way to call exists on x86_64 only")
def test_system_calls_by_their_other_numbers(level: Level) -> None:
    attack = "import ctypes; return float(ctypes.CDLL(None).syscall(0x40000000 | 41, 1, 1, 0) >= 0)"
    assert assert_contained(attack, level).reason == "its process crashed (SIGSYS)"


def test_typing_into_a_terminal(level: Level) -> None:
    attack = """
    import errno, fcntl
    try:
        fcntl.ioctl(0, 0x5412, b"x")
    except OSError as error:
        return float(error.errno != errno.EPERM)
    return 1.0
    """
    assert assert_contained(attack, level).value == 0.0
