"""What a platform knows of its jobs, read where it lies: rows, stored objects and run folders."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from tests.waiting import wait_for

Event = dict[str, Any]


class Inside:
    """Looks into the platform that lives in `home`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._database = json.loads((home / "run" / "services.json").read_text())["env"]["DATABASE_URL"]
        self._connection = psycopg.connect(self._database, autocommit=True)

    def __enter__(self) -> "Inside":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, values).fetchall()  # type: ignore[call-overload,no-any-return]

    @contextmanager
    def unwritable(self, table: str) -> Iterator[None]:
        """Whoever inserts into the table waits until the block is over."""
        with psycopg.connect(self._database) as connection:
            connection.execute(f"LOCK TABLE {table} IN SHARE MODE")  # type: ignore[call-overload]
            yield


@dataclass(frozen=True)
class InsideJob:
    """One training job, by its public id."""

    inside: Inside
    id: str

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """`query` selects by `job`, the primary key."""
        return self.inside.rows(
            f"WITH job AS (SELECT * FROM training_trainingjob WHERE public_id = %s) {query}", self.id
        )

    @property
    def status(self) -> str:
        return str(self.rows("SELECT status FROM job")[0][0])

    @property
    def is_pending(self) -> bool:
        """Whether it waits for its next attempt."""
        return self.status == "Pending"

    def make_due(self) -> None:
        """As if the wait before the next attempt were over."""
        self.inside.rows(
            "UPDATE training_trainingjob SET next_retry_at = now() WHERE public_id = %s RETURNING 1", self.id
        )

    def objects(self, kind: str) -> set[str]:
        """Keys of the stored objects of one kind: checkpoints, tests …"""
        prefix = f"training/{self.id}/{kind}"
        folder = self.inside.home / "files" / prefix
        return {f"{prefix}/{path.name}" for path in folder.iterdir()} if folder.is_dir() else set()

    # --- its account, which is kept beyond the run folder ----------------------------------------

    @property
    def _kept(self) -> Path:
        return self.inside.home / "kept" / self.id

    def keep_accounts(self) -> None:
        """Hold on to every events file that there is; call it often enough."""
        for path in (self.inside.home / "runs" / self.id).glob("events-*.jsonl"):
            kept = self._kept / path.name
            if not kept.exists():
                kept.parent.mkdir(parents=True, exist_ok=True)
                os.link(path, kept)

    def account(self, attempt: int) -> list[Event]:
        """Every whole line that the trainer has written in that attempt."""
        path = self._kept / f"events-{attempt}.jsonl"
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def attempts(self) -> list[int]:
        return sorted(int(path.stem.partition("-")[2]) for path in self._kept.glob("events-*.jsonl"))

    # --- its processes ---------------------------------------------------------------------------

    def trainer(self) -> int:
        """Pid of the trainer that began last."""
        [started] = [event for event in self.account(self.attempts()[-1]) if event["event"] == "started"]
        return int(started["pid"])

    def worker(self) -> int:
        """Pid of the process that supervises the job."""
        return int(self.rows("SELECT lease_owner FROM job")[0][0].rpartition(":")[2])


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        if psutil.pid_exists(pid):
            os.kill(pid, signal.SIGCONT)


def kill(pid: int) -> None:
    """kill -9, and see it gone."""
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: is_gone(pid), f"{pid} to be gone")


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
