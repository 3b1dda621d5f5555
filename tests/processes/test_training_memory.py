"""The real trainer with less memory than it needs: it is tried again with half the batch."""

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from embassy.platform.children import Child
from embassy.training.models import TrainingJob
from embassy.training.states import JobStatus
from embassy.training.supervisor import memory, run_job
from embassy.training.supervisor import trainer as trainer_module
from embassy.training.supervisor.folder import RunFolder
from embassy.training.supervisor.trainer import Trainer
from tests.factories.datasets import jsonl_bytes
from tests.factories.training import make_job, script_trainer
from tests.fakes.checkpoint_server import SumServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]

# Beyond what the trainer has when it has imported its libraries; a batch of 64 rows takes 2.1 GB.
ROOM_BYTES = 1700 * 1024**2
ROWS = [{"prompt": "word " * 20 + str(n), "completion": "yes " * 400} for n in range(64)]


@pytest.fixture
def job(settings: Settings) -> TrainingJob:
    settings.TRAINING_STANDBY = ""
    parameters = {"num_train_epochs": 1, "per_device_train_batch_size": 64, "max_length": 512}
    return make_job(content=jsonl_bytes(ROWS), parameters=parameters)


def size_of_imports() -> int:
    """Bytes of address space of a trainer that has only imported what it needs."""
    code = "import embassy.training.runner.sft, psutil; print(psutil.Process().memory_info().vms)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, text=True)
    return int(done.stdout.split()[-1])


def limited(size: int) -> Callable[[Trainer, Path], Child]:
    """Starts the trainer as ever, with an address space of so many bytes."""
    start = Trainer._start

    def start_limited(self: Trainer, spec: Path) -> Child:
        child = start(self, spec)
        resource.prlimit(child.pid, resource.RLIMIT_AS, (size, size))
        return child

    return start_limited


@pytest.mark.e2e
def test_it_goes_on_with_half_the_batch(job: TrainingJob, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as limits:
        limits.setattr(Trainer, "_start", limited(size_of_imports() + ROOM_BYTES))
        run_job(job.pk, server=SumServer())
    job.refresh_from_db()

    assert (job.status, job.code, job.failures) == (JobStatus.PENDING, "out_of_memory", 0), job.reason
    assert job.next_retry_at is None
    assert (
        job.events.get(kind="warning", data__code="batch_reduced").data["per_device_train_batch_size"] == 32
    )
    run_job(job.pk, server=SumServer())
    job.refresh_from_db()
    assert job.status == JobStatus.SUCCESS, job.reason
    assert job.loss_points.count() == 1  # still one step of 64 rows
    used = job.checkpoints.get().evidence["parameters"]
    assert (used["per_device_train_batch_size"], used["gradient_accumulation_steps"]) == (32, 2)


@pytest.mark.processes
@pytest.mark.parametrize(("kills", "code"), [(1, "out_of_memory"), (0, "trainer_died")])
def test_a_kill_counts_as_want_of_memory_if_the_kernel_says_so(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kills: int, code: str
) -> None:
    """The trainer dies by a real SIGKILL; only the kernel's count of such deaths is ours."""
    settings.TRAINING_STANDBY = ""
    counter = tmp_path / "vmstat"
    counter.write_text("oom_kill 7\n")
    monkeypatch.setattr(memory, "CGROUPS", tmp_path / "none")
    monkeypatch.setattr(memory, "VMSTAT", counter)
    monkeypatch.setattr(trainer_module, "PROGRAM", "tests.fakes.trainer")
    job = make_job()
    script_trainer(job, die_after=1, attempts=[1])
    start: Any = Trainer._start

    def start_and_count(self: Trainer, spec: Path) -> Child:
        child: Child = start(self, spec)
        counter.write_text(f"oom_kill {7 + kills}\n")
        return child

    monkeypatch.setattr(Trainer, "_start", start_and_count)
    run_job(job.pk, server=SumServer())

    job.refresh_from_db()
    assert (job.status, job.code) == (JobStatus.PENDING, code)
    assert RunFolder.of(job).path.exists()
    assert job.checkpoints.count() == 1  # from there it goes on
