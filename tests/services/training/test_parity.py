"""The parity record of a checkpoint: when it is made, what it says, and what follows from it."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from embassy.platform.actor import Actor
from embassy.platform.errors import InvalidInput, Unavailable
from embassy.projects.models import AuditEvent, Project
from embassy.training.models import Checkpoint, TrainingJob
from embassy.training.states import JobStatus
from embassy.training.supervisor import run_job
from embassy.training.supervisor import trainer as trainer_module
from embassy.training.supervisor.folder import RunFolder
from embassy.training.testing import Probed
from tests.factories.training import due_now, make_job, script_trainer
from tests.fakes.checkpoint_server import SumServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

PROBE = {
    "messages": [{"role": "user", "content": "What is 1 + 1?"}],
    "prompt_ids": [1, 2, 3],
    "tuned": {"ids": [7, 4], "logprobs": [-0.1, -0.1], "margins": [3.0, 3.0]},
    "base": {"ids": [5, 4], "logprobs": [-0.4, -0.1], "margins": [1.0, 3.0]},
}
REFERENCES = {
    "version": 1,
    "kind": "text",
    "precision": "float32",
    "quantized": False,
    "probes": [PROBE],
}


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[None]:
    monkeypatch.setattr(trainer_module, "PROGRAM", "tests.fakes.trainer")
    settings.TRAINING_STANDBY = ""
    return iter(())


def make(*, tested: bool = False, references: Any = REFERENCES, **options: Any) -> TrainingJob:
    job = make_job(**({"train_test_split_ratio": 20} if tested else {}), **options)
    script_trainer(job, parity=references)
    return job


def run(job: TrainingJob, server: SumServer) -> TrainingJob:
    run_job(job.pk, server=server)
    job.refresh_from_db()
    return job


def records(job: TrainingJob) -> list[Any]:
    return list(job.checkpoints.order_by("number").values_list("parity", flat=True))


class Failing(SumServer):
    """Cannot be asked for parity."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def probe(self, job: TrainingJob, checkpoint: Checkpoint, *_: Any) -> Probed:
        self.probed.append(checkpoint.number)
        raise self.error


@pytest.mark.parametrize("tested", [True, False])
def test_every_checkpoint_is_checked_once(tested: bool) -> None:
    server = SumServer()
    job = run(make(tested=tested), server)

    assert job.status == JobStatus.SUCCESS, job.reason
    assert server.probed == [1, 2, 3]
    for record in records(job):
        assert (record["status"], record["code"], record["reason"]) == ("passed", "", "")
        assert record["checked_at"] > 1_700_000_000
        assert [probe["agreed"] for probe in record["probes"]] == [2]
        assert record["tolerance"]["cosine"] == 0.999
    events = job.events.filter(kind="parity").order_by("id").values_list("data", flat=True)
    assert list(events) == [{"checkpoint": n, "status": "passed", "reason": ""} for n in (1, 2, 3)]


def test_an_engine_that_ignores_the_adapter_fails() -> None:
    job = run(make(), SumServer(says="base"))

    assert job.status == JobStatus.SUCCESS
    for record in records(job):
        assert record["status"] == "failed"
        assert "training says token 7, ahead by 3.000, and the engine token 5" in record["reason"]
        assert record["reason"].endswith("That is what the base model answers.")


def test_without_an_engine_the_job_succeeds_unchecked() -> None:
    server = Failing(Unavailable("It sleeps."))
    job = run(make(), server)

    assert job.status == JobStatus.SUCCESS
    assert server.probed == [1]  # the others need not wait as well
    for record in records(job):
        assert (record["status"], record["code"]) == ("unchecked", "no_engine")
        assert record["reason"] == "The engine could not be asked. It sleeps."


def test_without_an_engine_a_job_with_test_rows_is_retried() -> None:
    job = run(make(tested=True), Failing(Unavailable("It sleeps.")))

    assert (job.status, job.reason) == (JobStatus.PENDING, "It sleeps.")
    assert records(job) == [None] * 3
    due_now(job)
    run(job, SumServer())
    assert job.status == JobStatus.SUCCESS
    assert [record["status"] for record in records(job)] == ["passed"] * 3


def test_an_adapter_that_the_engine_refuses_fails() -> None:
    job = run(make(tested=True), Failing(InvalidInput("Rank 7 is odd.", code="adapter_rejected")))

    assert job.status == JobStatus.SUCCESS
    assert records(job)[0]["status"] == "failed"
    assert records(job)[0]["reason"].endswith("Rank 7 is odd.")


@pytest.mark.parametrize("references", [{**REFERENCES, "probes": []}, {**REFERENCES, "version": 99}])
def test_without_references_nothing_is_asked(references: Any) -> None:
    server = SumServer()
    job = run(make(references=references), server)

    assert job.status == JobStatus.SUCCESS
    assert server.probed == []
    assert {record["code"] for record in records(job)} == {"no_references"}


def test_another_host_reads_the_references_from_the_archive() -> None:
    class Moving(SumServer):
        """The worker dies while it tests; its successor has no run folder."""

        def generate(self, job: TrainingJob, checkpoint: Checkpoint | None, *rest: Any) -> list[str]:
            if checkpoint is None and RunFolder.of(job).path.exists():
                RunFolder.of(job).remove()
                raise Unavailable("Gone.")
            return super().generate(job, checkpoint, *rest)

    server = Moving()
    job = run(make(tested=True), server)
    assert server.probed == []
    due_now(job)

    run(job, server)

    assert server.probed == [1, 2, 3]
    assert [record["status"] for record in records(job)] == ["passed"] * 3


def test_a_failed_checkpoint_is_shown_and_deployed_only_by_force(
    api: APIClient, project: Project, actor: Actor
) -> None:
    job = run(make(project=project, actor=actor), SumServer(says="base"))
    shown = api.get(f"/v1/projects/{project.public_id}/training-jobs/{job.public_id}/checkpoints").json()
    assert {row["parity"]["status"] for row in shown} == {"failed"}

    address = f"/v1/projects/{project.public_id}/deployments"
    body = {"training_job_id": job.public_id, "checkpoint": 3}
    refused = api.post(address, body, format="json")
    assert (refused.status_code, refused.json()["code"]) == (400, "parity_failed")
    assert "the engine token 5" in refused.json()["error"]
    assert "force: true" in refused.json()["error"]

    forced = api.post(address, {**body, "force": True}, format="json")
    assert forced.status_code == 201, forced.json()
    assert AuditEvent.objects.get(subject=forced.json()["id"]).data["forced"] is True


def test_force_without_need_is_not_remarked(api: APIClient, project: Project, actor: Actor) -> None:
    job = run(make(project=project, actor=actor), SumServer())
    body = {"training_job_id": job.public_id, "checkpoint": 1, "force": True}
    made = api.post(f"/v1/projects/{project.public_id}/deployments", body, format="json").json()

    assert "forced" not in AuditEvent.objects.get(subject=made["id"]).data
