"""Children through a real standby and by plain spawn: the same promises either way, kill -9 included."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from embassy.platform.children import LOST, Child, ChildStartError, start_child
from embassy.platform.forkserver import linux
from embassy.platform.forkserver.server import AlreadyServedError, listen
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "tests.fakes.program"
DEADLINE_S = 30.0

pytestmark = pytest.mark.processes

Start = Callable[..., Child]


def is_gone(pid: int) -> bool:
    started = linux.start_time(pid)
    return started is None or not linux.is_running(pid, started)


def read_pids(ready: Path) -> list[int]:
    wait_for(lambda: ready.exists() and ready.read_text() != "", f"{ready} written")
    return [int(pid) for pid in ready.read_text().split()]


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not tmp_path: a unix socket's path must stay under 108 bytes.
    with tempfile.TemporaryDirectory(prefix="em-") as path:
        yield Path(path).resolve()


def start_standby(path: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-m", "embassy.platform.forkserver", "--socket", str(path), "--program", PROGRAM],
        cwd=ROOT,
    )
    wait_for(path.exists, "the standby listens")
    return process


@pytest.fixture
def standby_process(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = start_standby(folder / "s")
    yield process
    process.kill()
    process.wait()


@pytest.fixture(params=["standby", "spawned"])
def socket_path(request: pytest.FixtureRequest, folder: Path) -> Path | None:
    if request.param == "spawned":
        return None
    request.getfixturevalue("standby_process")
    return folder / "s"


@pytest.fixture
def start(socket_path: Path | None, folder: Path) -> Iterator[Start]:
    started: list[Child] = []

    def begin(*argv: str, **changes: object) -> Child:
        options = {"env": {}, "cwd": folder, "log": folder / "log", "standby": socket_path} | changes
        started.append(start_child(program=PROGRAM, argv=list(argv), **options))  # type: ignore[arg-type]
        return started[-1]

    yield begin
    for child in started:
        child.close()


def test_exit_code(start: Start) -> None:
    assert start("exit", "0").wait(DEADLINE_S) == 0
    assert start("exit", "5").wait(DEADLINE_S) == 5
    assert start("sys_exit", "6").wait(DEADLINE_S) == 6


def test_origin_tells_how_it_was_started(start: Start, socket_path: Path | None) -> None:
    assert start("exit", "0").origin == ("standby" if socket_path else "spawned")


def test_surroundings(start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    (folder / "work").mkdir()
    child = start("report", env={"MINE": "yes", "FAKE_OVERRIDE": "mine"}, cwd=folder / "work")
    assert child.wait(DEADLINE_S) == 0
    first, second = (folder / "log").read_text().splitlines()
    seen = json.loads(first)
    assert seen["cwd"] == str(folder / "work")
    assert seen["argv"] == ["report"]
    assert seen["env"]["MINE"] == "yes"
    assert seen["env"]["FAKE_PROGRAM"] == "preloaded"
    assert seen["env"]["FAKE_OVERRIDE"] == "mine"
    assert seen["env"]["PATH"] == os.environ["PATH"]
    assert "DATABASE_URL" not in seen["env"]
    assert seen["leads_session"]
    assert seen["loaded"] == (child.origin == "standby")
    assert set(seen["descriptors"]) <= {"0", "1", "2", "3"}, "more than the listing itself is open"
    assert second == "and to stderr"


def test_forks_draw_different_random_numbers(start: Start, folder: Path) -> None:
    for _ in range(2):
        assert start("report", log=folder / "numbers").wait(DEADLINE_S) == 0
    lines = (folder / "numbers").read_text().splitlines()[::2]
    assert len({json.loads(line)["random"] for line in lines}) == 2


def test_exception_is_logged_and_fails(start: Start, folder: Path) -> None:
    assert start("raise").wait(DEADLINE_S) == 1
    assert "ValueError: as asked" in (folder / "log").read_text()


def test_pid_and_start_time_name_the_program(start: Start, folder: Path) -> None:
    child = start("sleep", str(folder / "ready"))
    assert read_pids(folder / "ready") == [child.pid]
    assert linux.is_running(child.pid, child.start_time)
    assert child.poll() is None
    child.close()
    assert not linux.is_running(child.pid, child.start_time)


def test_terminate_right_after_start(start: Start, folder: Path) -> None:
    child = start("sleep", str(folder / "ready"))
    child.terminate()
    assert child.wait(DEADLINE_S) == -signal.SIGTERM


def test_program_handles_its_signal(start: Start, folder: Path) -> None:
    child = start("polite", str(folder / "ready"))
    read_pids(folder / "ready")
    assert child.stop(grace=DEADLINE_S) == 7


def test_stop_kills_what_ignores_sigterm(start: Start, folder: Path) -> None:
    child = start("stubborn", str(folder / "ready"))
    read_pids(folder / "ready")
    assert child.stop(grace=0.1) == -signal.SIGKILL


def test_wait_times_out(start: Start, folder: Path) -> None:
    child = start("sleep", str(folder / "ready"))
    with pytest.raises(TimeoutError):
        child.wait(0.05)


def test_close_ends_hidden_descendants(start: Start, folder: Path) -> None:
    child = start("family", str(folder / "ready"))
    pids = read_pids(folder / "ready")
    assert len(pids) == 3
    child.close()
    assert all(is_gone(pid) for pid in pids)
    child.close()


def test_exit_is_reported_when_nothing_is_left(start: Start, folder: Path) -> None:
    child = start("leave", str(folder / "ready"))
    assert child.wait(DEADLINE_S) == 3
    assert all(is_gone(pid) for pid in read_pids(folder / "ready"))


def test_kill_9_of_the_program_ends_its_descendants(start: Start, folder: Path) -> None:
    child = start("family", str(folder / "ready"))
    pids = read_pids(folder / "ready")
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait(DEADLINE_S) == -signal.SIGKILL
    assert all(is_gone(pid) for pid in pids)


def test_kill_9_of_the_client_ends_the_child(socket_path: Path | None, folder: Path) -> None:
    where = [str(socket_path or "-"), "family", str(folder / "ready"), str(folder / "log")]
    client = subprocess.Popen([sys.executable, "-m", "tests.fakes.client", *where], cwd=ROOT)
    pids = read_pids(folder / "ready")
    client.kill()
    client.wait()
    wait_for(lambda: all(is_gone(pid) for pid in pids), "the child and its descendants are gone")


def test_kill_9_of_the_warden(start: Start, folder: Path) -> None:
    child = start("sleep", str(folder / "ready"))
    read_pids(folder / "ready")
    os.kill(parent_of(child.pid), signal.SIGKILL)
    assert child.wait(DEADLINE_S) == LOST
    wait_for(lambda: is_gone(child.pid), "the child is gone")


def test_kill_9_of_a_standbys_warden_ends_hidden_descendants(
    standby_process: subprocess.Popen[bytes], folder: Path
) -> None:
    options = {"program": PROGRAM, "env": {}, "cwd": folder, "log": folder / "log", "standby": folder / "s"}
    other = start_child(argv=["sleep", str(folder / "other")], **options)  # type: ignore[arg-type]
    child = start_child(argv=["family", str(folder / "ready")], **options)  # type: ignore[arg-type]
    with other, child:
        pids = read_pids(folder / "ready")
        read_pids(folder / "other")
        os.kill(parent_of(child.pid), signal.SIGKILL)
        wait_for(lambda: all(is_gone(pid) for pid in pids), "the strays are gone")
        assert other.poll() is None, "a neighbour was killed with the strays"


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_death_of_the_standby_ends_its_children(
    standby_process: subprocess.Popen[bytes], folder: Path, signum: signal.Signals
) -> None:
    child = start_child(
        program=PROGRAM,
        argv=["family", str(folder / "ready")],
        env={},
        cwd=folder,
        log=folder / "log",
        standby=folder / "s",
    )
    with child:
        pids = read_pids(folder / "ready")
        standby_process.send_signal(signum)
        assert child.wait(DEADLINE_S) < 0
        assert all(is_gone(pid) for pid in pids)
        standby_process.wait(DEADLINE_S)


def test_without_a_standby_it_spawns(folder: Path) -> None:
    with start_child(
        program=PROGRAM, argv=["exit", "4"], env={}, cwd=folder, log=folder / "log", standby=folder / "nobody"
    ) as child:
        assert child.origin == "spawned"
        assert child.wait(DEADLINE_S) == 4


def test_a_standby_for_another_program_is_not_used(
    standby_process: subprocess.Popen[bytes], folder: Path
) -> None:
    with start_child(
        program="tests.fakes.program.__main__",
        argv=[],
        env={},
        cwd=folder,
        log=folder / "log",
        standby=folder / "s",
    ) as child:
        assert child.origin == "spawned"


def test_folder_must_exist(start: Start, folder: Path) -> None:
    with pytest.raises(ChildStartError, match="no such folder"):
        start("exit", "0", cwd=folder / "missing")


def test_log_must_be_writable(start: Start, folder: Path) -> None:
    with pytest.raises(ChildStartError, match="missing"):
        start("exit", "0", log=folder / "missing" / "log")


def test_socket_is_private_and_served_once(standby_process: subprocess.Popen[bytes], folder: Path) -> None:
    assert (folder / "s").stat().st_mode & 0o777 == 0o600
    with pytest.raises(AlreadyServedError):
        listen(folder / "s")


def test_socket_of_a_killed_standby_is_replaced(
    standby_process: subprocess.Popen[bytes], folder: Path
) -> None:
    standby_process.kill()
    standby_process.wait()
    assert (folder / "s").exists()
    listen(folder / "s").close()


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
