"""Whoever is killed with -9, nothing of the platform is left behind."""

import os
import signal
from pathlib import Path

import psycopg
import pytest

from embassy.platform.launcher import processes
from embassy.platform.launcher.logfile import tail
from embassy.platform.launcher.testing import STORES_ONLY, await_services, launched
from tests.processes.launcher_watch import (
    grandchildren,
    remaining,
    service_pid,
    stand_ins,
    supervisor_of,
    wait_for_output,
)
from tests.waiting import PATIENCE_S, wait_for

pytestmark = pytest.mark.processes


def _kill(*pids: int) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def test_killed_launcher_leaves_no_store(home: Path) -> None:
    with launched(home, *STORES_ONLY) as process:
        await_services(home, process)
        postgres = service_pid(home, "postgres", "postgres")
        _kill(process.pid)
        wait_for(lambda: not remaining(home) and not Path(f"/proc/{postgres}").exists(), "an empty home")
    wait_for(lambda: "is shut down" in tail(home / "logs/postgres.log", 1)[0], "a clean shutdown")
    wait_for(lambda: not (home / "run/services.json").exists(), "its address to go")


def test_killed_supervisor_leaves_no_store(home: Path) -> None:
    with launched(home, *STORES_ONLY) as process:
        await_services(home, process)
        _kill(supervisor_of(process.pid))
        assert process.wait(PATIENCE_S) == 1
        assert not remaining(home)
        assert not (home / "run/services.json").exists()
        wait_for_output(home, "supervisor was killed by SIGKILL")


def test_next_start_cleans_up_after_both_were_killed(home: Path) -> None:
    """A stopped Postgres notices nobody's death: only the next start can end it."""
    with launched(home, *STORES_ONLY) as process:
        await_services(home, process)
        orphan = service_pid(home, "postgres", "postgres")
        os.kill(orphan, signal.SIGSTOP)
        _kill(supervisor_of(process.pid), process.pid)
    with launched(home, *STORES_ONLY) as process:
        env = await_services(home, process)
        assert service_pid(home, "postgres", "postgres") != orphan
        assert "of an earlier run" in wait_for_output(home, "left-over process")
        psycopg.connect(env["DATABASE_URL"]).close()


@pytest.mark.parametrize("victim", ["launcher", "supervisor"])
def test_deaf_grandchild_without_a_mark_is_ended(home: Path, victim: str) -> None:
    """It left our session, ignores TERM and overwrote its environment."""
    with launched(home, command=stand_ins("unmarked_grandchild")) as process:
        wait_for_output(home, "Embassy is ready")
        assert grandchildren(home)
        _kill(process.pid if victim == "launcher" else supervisor_of(process.pid))
    wait_for(lambda: not grandchildren(home) and not remaining(home), "an empty home")


def test_grandchild_of_a_killed_service_is_ended_before_its_successor_starts(home: Path) -> None:
    with launched(home, command=stand_ins("grandchild")):
        wait_for_output(home, "Embassy is ready")
        (orphan,) = grandchildren(home)
        _kill(processes.running()[orphan].parent)
        (successor,) = wait_for(lambda: grandchildren(home) - {orphan}, "a successor")
        assert grandchildren(home) == {successor}
    assert not grandchildren(home)


def test_second_ctrl_c_does_not_wait(home: Path) -> None:
    with launched(home, command=stand_ins("stubborn")) as process:
        wait_for_output(home, "Embassy is ready")
        process.send_signal(signal.SIGINT)
        wait_for_output(home, "stopping")
        process.send_signal(signal.SIGINT)
        wait_for_output(home, "stopping at once")
        assert process.wait(PATIENCE_S) == 0
        assert not remaining(home)
