"""What the code of a user tries to read."""

import os
from pathlib import Path

import pytest

from embassy.evaluation.sandbox.policy import Level
from tests.processes.sandboxing import assert_contained

pytestmark = pytest.mark.processes

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Readable for everybody, as far as its permissions go."""
    path = tmp_path / "secret"
    path.write_text("hunter2")
    for folder in (path, *path.parents):
        if folder.stat().st_uid == os.geteuid() and folder.is_relative_to("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o055)
    return path


def test_a_world_readable_secret(level: Level, secret: Path) -> None:
    outcome = assert_contained(f"return float('hunter2' in open({str(secret)!r}).read())", level)
    assert "Error" in outcome.reason


def test_the_password_file_of_the_machine(level: Level) -> None:
    assert_contained("return float(len(open('/etc/shadow').read()) > 0)", level)


@pytest.mark.parametrize("path", [ROOT / "embassy" / "platform" / "settings.py", ROOT / "manage.py"])
def test_the_source_of_the_platform(level: Level, path: Path) -> None:
    assert_contained(f"return float(len(open({str(path)!r}).read()) > 0)", level)


def test_the_folders_of_the_platform(level: Level) -> None:
    """The way to what it may read is there, with nothing beside it."""
    attack = f"""
    import os
    found = set()
    for folder in ({str(ROOT)!r}, {str(ROOT / ".embassy")!r}, "/root", "/home", "/etc", "/var"):
        try:
            found.update(os.listdir(folder))
        except OSError:
            pass
    return float(bool(found & {{"manage.py", "pyproject.toml", ".git", ".bashrc", "passwd", "lib", "run"}}))
    """
    assert assert_contained(attack, level).value == 0.0


def test_environment_variables(level: Level, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "hunter2")
    assert_contained("import os; return float('hunter2' in str(os.environ))", level)


def test_environment_of_other_processes(level: Level) -> None:
    attack = f"""
    data = b""
    import os
    for path in ("/proc/{os.getpid()}/environ", "/proc/self/environ", "/proc/1/environ", "/proc/self/maps"):
        try:
            data += open(path, "rb").read()
        except OSError:
            pass
    return float(len(data) > 0)
    """
    assert_contained(attack, level)


def test_list_of_processes(level: Level) -> None:
    outcome = assert_contained("import os; return float(len(os.listdir('/proc')) > 0)", level)
    assert "Error" in outcome.reason


def test_symbolic_link_out_of_the_scratch_folder(level: Level, secret: Path) -> None:
    attack = f"""
    import os
    os.symlink({str(secret)!r}, "/tmp/link")
    return float("hunter2" in open("/tmp/link").read())
    """
    outcome = assert_contained(attack, level)
    assert "Error" in outcome.reason


def test_file_by_its_handle(level: Level) -> None:
    """With open_by_handle_at, root in a container reads any file of the machine."""
    attack = """
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    name_to_handle_at, open_by_handle_at = 303, 304
    handle = ctypes.create_string_buffer(136)
    first = libc.syscall(name_to_handle_at, -100, b"/usr", handle, ctypes.byref(ctypes.c_int()), 0)
    return float(first == 0 or libc.syscall(open_by_handle_at, 3, handle, 0) >= 0)
    """
    assert assert_contained(attack, level).value == 0.0


def test_memory_of_the_parent(level: Level) -> None:
    attack = f"""
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    data = ctypes.create_string_buffer(8)
    class Vector(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
    here, there = Vector(ctypes.addressof(data), 8), Vector({id(object())}, 8)
    read = libc.process_vm_readv({os.getpid()}, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
    return float(read > 0)
    """
    assert assert_contained(attack, level).value == 0.0


@pytest.mark.parametrize("pid", ["parent", "platform"])
def test_tracing_another_process(level: Level, pid: str) -> None:
    attack = f"""
    import ctypes, os
    libc = ctypes.CDLL(None, use_errno=True)
    pid = os.getppid() if {pid!r} == "parent" else {os.getpid()}
    return float(libc.ptrace(16, pid, None, None) == 0)
    """
    assert assert_contained(attack, level).value == 0.0


def test_code_of_the_platform_cannot_be_imported(level: Level) -> None:
    outcome = assert_contained(
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import embassy.platform.settings; return 1.0", level
    )
    assert "Error" in outcome.reason
