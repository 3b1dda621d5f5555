"""What the code of a user tries to use up, break or write."""

from pathlib import Path

import pytest

from embassy.evaluation.sandbox.policy import Level, Limits
from tests.processes.sandboxing import LIMITS, assert_contained, run_attack

pytestmark = pytest.mark.processes

QUICK = Limits(seconds=0.5, memory_mb=256)


def test_fork_bomb(level: Level) -> None:
    attack = """
    import os
    while True:
        try:
            os.fork()
        except BlockingIOError:
            pass
    """
    assert assert_contained(attack, level).reason.startswith("PermissionError")


def test_four_gigabytes(level: Level) -> None:
    reason = assert_contained("return float(len(bytearray(4 << 30)) > 0)", level).reason
    assert reason == "MemoryError: it needs more than 256 MB (line 2)"


def test_memory_bit_by_bit(level: Level) -> None:
    attack = """
    kept = []
    while True:
        kept.append(bytearray(1 << 20))
    """
    assert "MemoryError" in assert_contained(attack, level).reason


def test_memory_in_shared_mappings(level: Level) -> None:
    attack = """
    import mmap
    kept = [mmap.mmap(-1, 64 << 20) for _ in range(64)]
    return 1.0
    """
    assert "Error" in assert_contained(attack, level).reason


def test_memory_in_files(level: Level) -> None:
    attack = """
    for number in range(1000):
        with open(f"/tmp/{number}", "wb") as file:
            file.write(bytes(8 << 20))
    return 1.0
    """
    assert "Error" in assert_contained(attack, level).reason


def test_huge_file(level: Level) -> None:
    attack = """
    with open("/tmp/huge", "wb") as file:
        file.truncate(1 << 40)
    return 1.0
    """
    assert "Error" in assert_contained(attack, level).reason


def test_thread_bomb(level: Level) -> None:
    attack = """
    import threading, time
    for _ in range(5000):
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    return 1.0
    """
    assert "can't start new thread" in assert_contained(attack, level).reason


def test_threads_that_go_on_do_not_slow_the_next_row(level: Level) -> None:
    attack = """
    import threading
    def spin():
        while True:
            pass
    for _ in range(8):
        threading.Thread(target=spin, daemon=True).start()
    return 0.75
    """
    assert run_attack(attack, level).value == 0.75


def test_endless_printing(level: Level) -> None:
    outcome = assert_contained("while True: print('x' * 100000)", level, limits=QUICK)
    assert outcome.reason.startswith("TimeLimit")
    assert len(outcome.output) <= LIMITS.output_characters


def test_a_gigabyte_of_output(level: Level) -> None:
    attack = """
    import os, sys
    for _ in range(1000):
        os.write(1, bytes(1 << 20))
        os.write(2, bytes(1 << 20))
    return 0.75
    """
    assert run_attack(attack, level).value == 0.75


def test_gigabyte_as_the_value(level: Level) -> None:
    assert "Error" in assert_contained("return 'x' * (1 << 30)", level).reason
    roomy = Limits(seconds=60.0, memory_mb=2048)
    reason = assert_contained("return 'x' * (1 << 30)", level, limits=roomy).reason
    assert reason == "TypeError: the function must return a number, not str"


def test_megabytes_as_the_reason(level: Level) -> None:
    reason = assert_contained("raise ValueError('x' * 50_000_000)", level).reason
    assert len(reason) < 1000


def test_endless_loop(level: Level) -> None:
    outcome = assert_contained("while True: pass", level, limits=QUICK)
    assert outcome.reason == "TimeLimit: it took longer than 0.5 s (line 2)"


def test_sleeping(level: Level) -> None:
    assert "TimeLimit" in assert_contained("import time; time.sleep(600)", level, limits=QUICK).reason


def test_endless_loop_that_ignores_the_alarm(level: Level) -> None:
    attack = """
    import signal
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    while True:
        pass
    """
    outcome = assert_contained(attack, level, limits=QUICK)
    assert outcome.reason == "TimeLimit: it took longer than 0.5 s and was killed"


def test_endless_loop_that_catches_everything(level: Level) -> None:
    attack = """
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
    """
    assert assert_contained(attack, level, limits=QUICK).reason.endswith("was killed")


def test_endless_loop_within_one_instruction(level: Level) -> None:
    """No signal handler of Python's runs while C code works."""
    attack = "return float(sum(range(10**15)) > 0)"
    assert assert_contained(attack, level, limits=QUICK).reason.endswith("was killed")


def test_regular_expression_that_never_ends(level: Level) -> None:
    attack = "import re; return float(re.match('(a+)+$', 'a' * 64 + 'b') is None)"
    assert "TimeLimit" in assert_contained(attack, level, limits=QUICK).reason


def test_deep_recursion(level: Level) -> None:
    attack = """
    def deeper():
        return deeper()
    return deeper()
    """
    assert assert_contained(attack, level).reason.startswith("RecursionError")


def test_stack_overflow(level: Level) -> None:
    attack = """
    import sys
    sys.setrecursionlimit(10**9)
    class Nested:
        def __repr__(self):
            return repr(self)
    return float(len(repr(Nested())) > 0)
    """
    assert assert_contained(attack, level).reason != ""


def test_segmentation_fault(level: Level) -> None:
    outcome = assert_contained("import ctypes; ctypes.string_at(1)", level)
    assert outcome.reason == "its process crashed (SIGSEGV)"


def test_abort(level: Level) -> None:
    assert "crashed" in assert_contained("import os; os.abort()", level).reason


@pytest.mark.parametrize(
    "target", ["/usr/harm", "/harm", "/dev/harm", "/sandbox/guest/main.py", "home", "venv"]
)
def test_writing_elsewhere(level: Level, target: str, tmp_path: Path) -> None:
    import embassy.evaluation.sandbox

    path = {
        "home": str(tmp_path / "harm"),
        "venv": embassy.evaluation.sandbox.__file__,
    }.get(target, target)
    assert "Error" in assert_contained(f"open({path!r}, 'a').write(''); return 1.0", level).reason
    assert not (tmp_path / "harm").exists()


def test_permissions_of_files(level: Level, tmp_path: Path) -> None:
    """Landlock leaves them to whoever owns the file."""
    path = tmp_path / "file"
    path.touch(mode=0o600)
    attack = f"import os; os.chmod({str(path)!r}, 0o777); return 1.0"
    assert "Error" in assert_contained(attack, level).reason
    assert path.stat().st_mode & 0o777 == 0o600


def test_removing_files(level: Level, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    assert "Error" in assert_contained(f"import os; os.remove({str(path)!r}); return 1.0", level).reason
    assert path.exists()
