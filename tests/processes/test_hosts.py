"""Two hosts on one machine, with names, addresses and folders of their own, that share the queues."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from embassy.engines import hosts, selectors, services
from embassy.engines import reconcile as engines_reconcile
from embassy.engines.models import Engine, Host
from embassy.engines.states import EngineStatus
from embassy.training import lifecycle
from embassy.training import reconcile as training_reconcile
from embassy.training.models import TrainingJob
from embassy.training.states import JobStatus
from tests.factories.deployments import BASE, RANK, store_adapter
from tests.factories.training import due_now, make_job, script_trainer
from tests.processes.engine_host import end
from tests.waiting import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

ROOT = Path(__file__).resolve().parents[2]
LEASE_SECONDS = 3
ROOM_FOR_TWO = 600_000_000


@dataclass
class Machine:
    """One worker, of trainings and engines, with the stand-ins for the programs."""

    name: str
    address: str
    home: Path
    environment: dict[str, str]
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def start(self, memory: int) -> None:
        (self.home / "cache" / "vllm").mkdir(parents=True, exist_ok=True)
        own = {
            "EMBASSY_HOST_NAME": self.name,
            "EMBASSY_ENGINE_HOST": self.address,
            "EMBASSY_HOME": str(self.home),
            "EMBASSY_ENGINE_MEMORY": str(memory),
        }
        options = ("-Q", "training,engines", "--concurrency", "4", "--without-mingle", "--without-gossip")
        name = ("-n", f"worker@{self.name}")
        with (self.home / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "tests.fakes.worker", "worker", *options, *name],
                cwd=ROOT,
                env=os.environ | self.environment | own,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)

    def kill(self) -> None:
        """As if somebody pulled the plug: everything of it, at once."""
        main = psutil.Process(self.processes[-1].pid)
        for process in [*main.children(recursive=True), main]:
            process.kill()
        self.processes[-1].wait()


@pytest.fixture
def environment(settings: Settings, tmp_path: Path) -> dict[str, str]:
    """Of all machines. The test itself is one more, which runs nothing: it does what the scheduler does."""
    settings.HOST_NAME = "scheduler"
    settings.LEASE_SECONDS = LEASE_SECONDS
    settings.REPUBLISH_SECONDS = 2
    database = dict(connection.settings_dict)
    address = f"host={database['HOST']}&port={database['PORT']}"
    return {
        "DJANGO_SETTINGS_MODULE": "embassy.platform.settings",
        "DATABASE_URL": f"postgresql://{database['USER']}:{database['PASSWORD']}@/{database['NAME']}?{address}",
        "EMBASSY_FILES": str(settings.STORAGE_DIR),
        "SECRET_KEY": settings.SECRET_KEY,
        "EMBASSY_LEASE_SECONDS": str(LEASE_SECONDS),
        "EMBASSY_REPUBLISH_SECONDS": "2",
        "EMBASSY_ENGINE_STANDBY": "",
        "EMBASSY_TRAINING_STANDBY": "",
    }


@pytest.fixture
def machines(environment: dict[str, str], tmp_path: Path) -> Iterator[tuple[Machine, Machine]]:
    found = [
        Machine(name, address, tmp_path / name, environment)
        for name, address in (("a", "127.0.0.1"), ("b", "127.0.0.2"))
    ]
    for machine in found:
        machine.home.mkdir()
    yield found[0], found[1]
    for machine in found:
        for process in machine.processes:
            end(process)


def engine_of_rank(rank: int) -> Engine:
    return services.ensure_engine(base_model=BASE, task_type="text-generation", rank=rank)


def alive(*names: str) -> Callable[[], bool]:
    def look() -> bool:
        return {host.name for host in Host.objects.all() if hosts.is_alive(host)} == set(names)

    return look


def schedule() -> None:
    """What the scheduler does in a tick."""
    engines_reconcile.reconcile()
    training_reconcile.reconcile()


def active(*engines: Engine) -> Callable[[], bool]:
    def look() -> bool:
        schedule()
        for engine in engines:
            engine.refresh_from_db()
        return all(engine.status == EngineStatus.ACTIVE for engine in engines)

    return look


def models(engine: Engine) -> list[str]:
    return selectors.client_for(engine).model_names()


def test_all_that_a_lost_host_did_goes_on_on_the_other(
    machines: tuple[Machine, Machine], settings: Settings
) -> None:
    job = make_job(train_test_split_ratio=20)
    for machine in machines:
        settings.RUNS_DIR = machine.home / "runs"
        script_trainer(job, hang_after=2, attempts=[1])
        machine.start(memory=ROOM_FOR_TWO)
    wait_for(alive("a", "b"), "two hosts")
    engines = [engine_of_rank(rank) for rank in (16, 64)]
    for engine in engines:
        services.want_adapter(
            engine=engine, name=f"of-{engine.rank}", archive=store_adapter(f"a/{engine.rank}"), rank=RANK
        )
    lifecycle.publish(job)
    wait_for(active(*engines), "both engines")
    wait_for(lambda: hanging(job, machines), "the trainer to hang, with what it has learned stored")

    addresses = {machine.name: machine.address for machine in machines}
    assert {engine.host_name: engine.host for engine in engines} == addresses
    for engine in engines:
        assert engine.lease_owner.startswith(f"{engine.host_name}:")
        assert models(engine) == ["base", f"of-{engine.rank}"]

    job.refresh_from_db()
    lost, other = sorted(machines, key=lambda one: not job.lease_owner.startswith(f"{one.name}:"))
    moved = next(engine for engine in engines if engine.host_name == lost.name)
    token = moved.lease_token
    lost.kill()
    wait_for(lambda: active(moved)() and moved.lease_token > token, "the engine on the other host")
    assert (moved.host_name, moved.host) == (other.name, other.address)
    assert models(moved) == ["base", f"of-{moved.rank}"]
    assert alive(other.name)()

    wait_for(lambda: finished(job), "the other host to finish the job")
    assert job.status == JobStatus.SUCCESS, job.reason
    assert (job.attempts, job.failures) == (2, 1)
    assert job.events.get(attempt=2, kind="started").data["resumed_from"] == 2

    third = engine_of_rank(256)
    third.refresh_from_db()
    assert third.reason == f"1st in the queue: needs 0.3 GB, host {other.name} has 0.1 GB free of 0.6 GB."
    lost.start(memory=ROOM_FOR_TWO)
    wait_for(active(third), "the third engine, on the host that is back")
    assert (third.host_name, third.host) == (lost.name, lost.address)


def hanging(job: TrainingJob, machines: tuple[Machine, Machine]) -> bool:
    there = any((machine.home / "runs" / job.public_id / "hanging").exists() for machine in machines)
    return there and job.checkpoints.count() == 2


def finished(job: TrainingJob) -> bool:
    schedule()
    if job.next_retry_at is not None and job.next_retry_at > timezone.now():
        due_now(job)
    job.refresh_from_db()
    return job.status in (JobStatus.SUCCESS, JobStatus.FAILED)
