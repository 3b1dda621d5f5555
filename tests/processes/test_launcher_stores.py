"""The embedded Postgres and Valkey: reachable, private, durable, alone, and back after a kill."""

import os
import signal
import stat
import subprocess
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import redis

from embassy.platform.launcher.home import SHORT_FOLDER_KINDS, Home
from embassy.platform.launcher.testing import (
    STORES_ONLY,
    await_services,
    launched,
    output_of,
    running_stores,
    stop,
    temporary_home,
)
from tests.processes.launcher_watch import remaining, service_pid, wait_for_output
from tests.waiting import PATIENCE_S, wait_for

pytestmark = pytest.mark.processes


def _remember(env: dict[str, str], word: str) -> None:
    with psycopg.connect(env["DATABASE_URL"]) as connection:
        connection.execute("drop table if exists words")
        connection.execute("create table words (word text)")
        connection.execute("insert into words values (%s)", [word])
    redis.Redis.from_url(env["REDIS_URL"]).set("word", word)


def _recall(env: dict[str, str]) -> list[str]:
    """The word as both stores remember it, once both answer."""

    def ask() -> list[str]:
        with suppress(psycopg.OperationalError, redis.RedisError):
            with psycopg.connect(env["DATABASE_URL"]) as connection:
                words = [word for (word,) in connection.execute("select word from words")]
            return [*words, redis.Redis.from_url(env["REDIS_URL"]).get("word").decode()]
        return []

    return wait_for(ask, "both stores")


def test_running_stores_have_vectors_and_leave_nothing() -> None:
    with running_stores() as env:
        with psycopg.connect(env["DATABASE_URL"]) as connection:
            connection.execute("create extension vector")
            distance = connection.execute("select '[1,2]'::vector <-> '[1,5]'::vector").fetchone()
        assert distance == (3.0,)
        assert redis.Redis.from_url(env["REDIS_URL"]).ping()
        home = Path(env["EMBASSY_HOME"])
    assert not home.exists()
    assert not remaining(home)


def test_secrets_are_private_and_off_the_command_line(home: Path) -> None:
    with launched(home, *STORES_ONLY) as process:
        await_services(home, process)
        for name in ("secrets.json", "run/services.json", "valkey/valkey.conf"):
            assert stat.S_IMODE((home / name).stat().st_mode) == 0o600, name
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(unix_socket_path=str(home / "run/valkey.sock")).ping()
    assert not (home / "run/services.json").exists()


def test_data_survives_a_restart(home: Path) -> None:
    with launched(home, *STORES_ONLY) as process:
        _remember(await_services(home, process), "before")
    with launched(home, *STORES_ONLY) as process:
        assert _recall(await_services(home, process)) == ["before", "before"]


def test_second_start_is_refused(home: Path) -> None:
    with launched(home, *STORES_ONLY) as first:
        env = await_services(home, first)
        with launched(home, *STORES_ONLY) as second:
            assert second.wait(PATIENCE_S) == 1
        assert f"already running (pid {first.pid}) on {home}" in output_of(home).read_text()
        _remember(env, "undisturbed")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_stops_everything(home: Path, number: signal.Signals) -> None:
    with launched(home, *STORES_ONLY) as process:
        await_services(home, process)
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == 0
        assert not remaining(home)
    assert "database system is shut down" in (home / "logs/postgres.log").read_text()


def test_killed_postgres_comes_back_with_its_rows(home: Path) -> None:
    with launched(home, *STORES_ONLY) as process:
        env = await_services(home, process)
        _remember(env, "kept")
        valkey = service_pid(home, "valkey", "valkey-server")
        os.kill(service_pid(home, "postgres", "postgres"), signal.SIGKILL)
        wait_for_output(home, "killed by SIGKILL; starting again")
        assert _recall(env) == ["kept", "kept"]
        assert service_pid(home, "valkey", "valkey-server") == valkey


def test_killed_valkey_comes_back(home: Path) -> None:
    with launched(home, *STORES_ONLY) as process:
        env = await_services(home, process)
        _remember(env, "kept")
        postgres = service_pid(home, "postgres", "postgres")
        os.kill(service_pid(home, "valkey", "valkey-server"), signal.SIGKILL)
        wait_for_output(home, "killed by SIGKILL; starting again")
        assert _recall(env) == ["kept", "kept"]
        assert service_pid(home, "postgres", "postgres") == postgres


def test_lock_file_of_another_program_is_no_obstacle(home: Path) -> None:
    """After a container's restart the process id in Postgres's lock file belongs to some other program."""
    with launched(home, *STORES_ONLY) as process:
        await_services(home, process)
    lock = home / "postgres/data/postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{lock.parent}\n")
    with launched(home, *STORES_ONLY) as process:
        await_services(home, process)


def test_long_home_uses_a_private_short_folder_for_sockets() -> None:
    with temporary_home() as short:
        home = short / ("long" * 25)
        home.mkdir(mode=0o711)
        with launched(home, *STORES_ONLY) as process:
            env = await_services(home, process)
            _remember(env, "there")
            assert len(redis.Redis.from_url(env["REDIS_URL"]).connection_pool.connection_kwargs["path"]) < 107
        assert not any(Home(home).short_folder(kind).exists() for kind in SHORT_FOLDER_KINDS)


def test_stopping_twice_is_harmless(home: Path) -> None:
    with launched(home, *STORES_ONLY) as process:
        await_services(home, process)
        stop(process)
    assert isinstance(process, subprocess.Popen)
    assert process.returncode == 0
