"""kill -9 of any part in the middle of a run: the job finishes and the deployment answers, unattended."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from embassy.platform.launcher.testing import temporary_home
from tests.e2e.live import ENGINE, TRAINER, LivePlatform, sample_rows
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
EPOCHS = 5


@dataclass(frozen=True)
class Scene:
    """A platform with a deployment, on which jobs are started and parts are killed."""

    platform: LivePlatform
    project: str
    dataset: str

    def start_job(self) -> str:
        parameters = {
            "learning_rate": 0.003,
            "num_train_epochs": EPOCHS,
            "per_device_train_batch_size": 4,
        }
        return self.platform.train(
            self.project, self.dataset, parameters=parameters, train_test_split_ratio=10
        )

    def wait_for_checkpoint(self, job: str, number: int) -> None:
        path = f"/v1/projects/{self.project}/training-jobs/{job}/checkpoints"
        wait_for(
            lambda: len(self.platform.call_patiently("GET", path)) >= number,
            seconds=120,
            what=f"checkpoint {number} of {job}",
        )

    def assert_finished_whole(self, job: str) -> None:
        finished = self.platform.wait_for_job(self.project, job, seconds=240)
        assert finished["status"] == "Success", finished
        path = f"/v1/projects/{self.project}/training-jobs/{job}/checkpoints"
        checkpoints = self.platform.call_patiently("GET", path)
        assert [row["checkpoint"] for row in checkpoints] == list(range(1, EPOCHS + 1))
        assert all("aggregated_test_result" in row["test_results"] for row in checkpoints)

    def ask(self) -> str:
        body = {"model": "survivor", "prompt": "I was charged twice for the same order.", "temperature": 0}
        answer = self.platform.call_patiently("POST", "/v1/completions", json=body)
        return str(answer["choices"][0]["text"])


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with temporary_home() as home:
        with LivePlatform(home) as live:
            yield prepare_scene(live)
        assert live.leftovers() == []


def prepare_scene(live: LivePlatform) -> Scene:
    project = live.create_project("survives")
    dataset = live.upload(project, sample_rows("train", 100), name="train")
    job = live.train(project, dataset, train_test_split_ratio=10)
    assert live.wait_for_job(project, job)["status"] == "Success"
    body = {"training_job_id": job, "checkpoint": 2, "name": "survivor"}
    created = live.call("POST", f"/v1/projects/{project}/deployments", expect=201, json=body)
    live.wait_for_deployment(project, created["id"])
    return Scene(live, project, dataset)


VICTIMS: dict[str, Callable[[LivePlatform], None]] = {
    "trainer": lambda live: live.kill_program(TRAINER),
    "training worker": lambda live: live.kill_service("worker-training"),
    "training standby": lambda live: live.kill_service("standby-training"),
    "engine": lambda live: live.kill_program(ENGINE),
    "engine standby": lambda live: live.kill_service("standby-engines"),
    "broker": lambda live: live.kill_service("valkey"),
    "database": lambda live: live.kill_service("postgres"),
}


@pytest.mark.parametrize("victim", VICTIMS)
def test_killed_part_costs_time_only(scene: Scene, victim: str) -> None:
    before = scene.ask()
    job = scene.start_job()
    scene.wait_for_checkpoint(job, 1)

    VICTIMS[victim](scene.platform)

    assert scene.ask() == before
    scene.assert_finished_whole(job)
    assert scene.ask() == before


def test_pulled_plug_and_started_again(scene: Scene) -> None:
    before = scene.ask()
    job = scene.start_job()
    scene.wait_for_checkpoint(job, 2)

    scene.platform.kill_launcher()
    wait_for(lambda: not scene.platform.leftovers(), seconds=30, what="everything to be gone")
    scene.platform.start()

    scene.assert_finished_whole(job)
    assert scene.ask() == before
