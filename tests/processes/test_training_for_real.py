"""The supervisor with the real trainer on the shipped model: short, but nothing is stood in for."""

import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from embassy.platform.children import Child
from embassy.platform.storage import get_storage
from embassy.training.models import Checkpoint, TrainingJob
from embassy.training.states import JobStatus
from embassy.training.supervisor import run_job
from embassy.training.supervisor.trainer import Trainer
from tests.factories.projects import make_actor
from tests.factories.training import due_now, make_job
from tests.fakes.parity_server import FaithfulServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e, pytest.mark.timeout(300)]

SAMPLES = Path(__file__).resolve().parents[2] / "samples" / "support-tickets" / "train.jsonl"
PARAMETERS = {"num_train_epochs": 2, "per_device_train_batch_size": 8, "learning_rate": 0.003}


class Mute(FaithfulServer):
    """Nobody serves here: every answer is the same."""

    def generate(
        self,
        job: TrainingJob,
        checkpoint: Checkpoint | None,
        prompts: Sequence[Sequence[dict[str, Any]]],
        max_tokens: int,
        on_progress: Callable[[int], None],
        answers: dict[int, Any] | None = None,
    ) -> list[str]:
        return ["billing" for _ in prompts]


@pytest.fixture
def job(settings: Settings) -> TrainingJob:
    settings.TRAINING_STANDBY = ""
    rows = b"".join(line + b"\n" for line in SAMPLES.read_bytes().splitlines()[:80])
    return make_job(content=rows, parameters=PARAMETERS, train_test_split_ratio=10)


def assert_trained(job: TrainingJob) -> None:
    job.refresh_from_db()
    assert job.status == JobStatus.SUCCESS, job.reason
    assert list(job.checkpoints.values_list("number", flat=True)) == [1, 2]
    assert list(job.test_results.values_list("number", flat=True)) == [0, 1, 2]
    losses = list(job.loss_points.values_list("loss", flat=True))
    assert len(losses) == 18
    assert losses[-1] < losses[0] / 2
    assert [row["status"] for row in job.checkpoints.values_list("parity", flat=True)] == ["passed"] * 2


def test_training_leaves_checkpoints_that_can_be_served(job: TrainingJob) -> None:
    run_job(job.pk, server=Mute())

    assert_trained(job)
    checkpoint = job.checkpoints.get(number=2)
    assert (checkpoint.rank, checkpoint.merged, checkpoint.step) == (16, False, 18)
    assert checkpoint.prompt_format["suffix"].endswith("\n\n")
    assert checkpoint.evidence["train_sha256"] == job.spec["train_sha256"]
    with (
        get_storage().open(checkpoint.archive_key) as stream,
        tarfile.open(fileobj=stream, mode="r|gz") as tar,
    ):
        files = {entry.name: entry.size for entry in tar}
    assert {
        "adapter_config.json",
        "adapter_model.safetensors",
        "chat_template.jinja",
        "evidence.json",
    } <= set(files)
    assert not any(name.endswith((".bin", ".pt", ".pth", ".pkl")) for name in files)


def test_goes_on_after_the_trainer_was_killed(job: TrainingJob, monkeypatch: pytest.MonkeyPatch) -> None:
    children: list[Child] = []
    start, store = Trainer._start, Trainer._store_new

    def remember(self: Trainer, spec: Path) -> Child:
        children.append(start(self, spec))
        return children[-1]

    def kill_after_the_first_checkpoint(self: Trainer, account: Any) -> None:
        store(self, account)
        if len(children) == 1 and job.checkpoints.filter(number=1).exists():
            children[0].kill()

    monkeypatch.setattr(Trainer, "_start", remember)
    monkeypatch.setattr(Trainer, "_store_new", kill_after_the_first_checkpoint)
    run_job(job.pk, server=Mute())
    job.refresh_from_db()
    assert (job.status, job.code) == (JobStatus.PENDING, "trainer_died"), job.reason

    due_now(job)
    run_job(job.pk, server=Mute())

    assert_trained(job)
    started = job.events.get(attempt=2, kind="started")
    assert Path(started.data["resumed_from"]).name == "checkpoint-9"


def test_goes_on_from_a_checkpoint_of_another_job(job: TrainingJob, settings: Settings) -> None:
    run_job(job.pk, server=Mute())
    child = make_job(
        project=job.project,
        actor=make_actor(job.project.organization),
        content=SAMPLES.read_bytes(),
        base_model_option="fine-tuned",
        base_model=job.name,
        checkpoint=2,
        parameters={"num_train_epochs": 1, "downsample_size": 4},
    )

    run_job(child.pk, server=Mute())

    child.refresh_from_db()
    assert child.status == JobStatus.SUCCESS, child.reason
    first_of_child = child.loss_points.order_by("step")[0].loss
    assert first_of_child < job.loss_points.order_by("step")[0].loss / 2
    assert child.events.get(kind="preflight").data["rows"] == child.train_rows == 16
    assert child.checkpoints.get().evidence["adapter"] is not None
