"""The launcher's small parts, each by itself."""

import json
from pathlib import Path

import pytest

from embassy.platform.launcher import processes
from embassy.platform.launcher.credentials import load_credentials
from embassy.platform.launcher.errors import LaunchError
from embassy.platform.launcher.home import socket_folder
from embassy.platform.launcher.logfile import LogFile, tail
from embassy.platform.launcher.processes import Process
from embassy.platform.launcher.runner import Failures, GaveUp
from embassy.platform.launcher.terminal import is_problem


def test_log_rotates_and_keeps_the_newest(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "a.log", limit=20, kept=2)
    for number in range(10):
        log.write(f"line {number}".encode())
    log.close()
    found = {path.name: path.read_text().split("\n")[:-1] for path in tmp_path.iterdir()}
    assert found == {
        "a.log": ["line 8", "line 9"],
        "a.log.1": ["line 6", "line 7"],
        "a.log.2": ["line 4", "line 5"],
    }
    assert tail(tmp_path / "a.log", 1) == ["line 9"]


def test_three_starts_that_never_became_ready_are_too_many() -> None:
    failures = Failures()
    pauses = [failures.count(was_ready=False, lived_s=60) for _ in range(2)]
    assert pauses == sorted(pauses)
    with pytest.raises(GaveUp):
        failures.count(was_ready=False, lived_s=60)


def test_eight_short_lives_are_too_many_but_a_long_one_forgives() -> None:
    failures = Failures()
    for _ in range(3):
        for _ in range(7):
            assert failures.count(was_ready=True, lived_s=1) <= 10
        failures.count(was_ready=True, lived_s=60)
    for _ in range(7):
        failures.count(was_ready=True, lived_s=1)
    with pytest.raises(GaveUp):
        failures.count(was_ready=True, lived_s=1)


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-20T10:00:00 ERROR embassy.x it.broke job=1",
        "2026-11-20 10:00:00 UTC [1] FATAL:  the database system is shutting down",
        "Traceback (most recent call last):",
        '{"level": "warning", "event": "x"}',
        "time=1 level=error msg=x",
    ],
)
def test_warnings_and_errors_stand_out(line: str) -> None:
    assert is_problem(line)


@pytest.mark.parametrize("line", ["INFO: all well", "errors=0", "no ERRORS", "GET /error 200"])
def test_ordinary_lines_do_not(line: str) -> None:
    assert not is_problem(line)


def test_family_holds_descendants_and_sessions() -> None:
    tree = {1: (0, 1), 10: (1, 10), 11: (10, 10), 12: (11, 12), 13: (1, 12), 20: (1, 20)}
    table = {pid: Process(pid, "x", "S", parent, session) for pid, (parent, session) in tree.items()}
    assert processes.family(table, {10}) == {10, 11, 12, 13}
    # The leader is dead: its session still says who belonged to it.
    del table[10]
    table[11] = Process(11, "x", "S", 1, 10)
    assert processes.family(table, {10}) == {11, 12, 13}


def test_process_name_with_parentheses_is_read() -> None:
    assert processes._parse(7, "7 (a (b) c) S 1 7 5 0 -1") == Process(7, "a (b) c", "S", 1, 5)


def test_credentials_are_made_once(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    first = load_credentials(path)
    assert load_credentials(path) == first
    assert len(set(json.loads(path.read_text()).values())) == 3


def test_damaged_credentials_are_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_text("{}")
    with pytest.raises(LaunchError, match="Restore it"):
        load_credentials(path)
    assert path.read_text() == "{}"


def test_short_socket_folder_of_someone_else_is_refused(tmp_path: Path) -> None:
    wanted = tmp_path / ("x" * 100)
    short = tmp_path / "short"
    assert socket_folder(wanted, short) == short
    short.chmod(0o755)
    with pytest.raises(LaunchError, match="not a private folder"):
        socket_folder(wanted, short)
    short.rmdir()
    short.symlink_to(tmp_path)
    with pytest.raises(LaunchError, match="not a private folder"):
        socket_folder(wanted, short)
