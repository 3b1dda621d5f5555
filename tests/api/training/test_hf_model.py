"""POST …/training-jobs with base_model HF_MODEL and hf_model_link"""

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training.models import TrainingJob
from embassy.training.spec import read_spec
from embassy.training.supervisor.folder import RunFolder
from tests.factories.datasets import make_dataset
from tests.factories.training import make_rows
from tests.fakes.hub import COMMIT, FakeHub

LINK = "https://huggingface.co/some/model"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> FakeHub:
    settings.HF_OFFLINE = False
    fake = FakeHub(tmp_path / "hub")
    fake.install(monkeypatch)
    return fake


@pytest.fixture
def dataset_id(project: Project, actor: Actor) -> str:
    return make_dataset(project=project, actor=actor, content=make_rows(), file_name="sums.jsonl").public_id


def create(api: APIClient, project: Project, dataset_id: str, **changes: Any) -> Any:
    body = {
        "base_model": "HF_MODEL",
        "hf_model_link": LINK,
        "train_dataset_id": dataset_id,
        "parameters": {"max_length": 32},
    }
    return api.post(f"/v1/projects/{project.public_id}/training-jobs", body | changes, format="json")


def test_commit_is_pinned_and_told_to_the_trainer(
    api: APIClient, project: Project, dataset_id: str, hub: FakeHub
) -> None:
    answer = create(api, project, dataset_id)

    assert answer.status_code == 201, answer.json()
    assert answer.json()["base_model"] == f"some/model@{COMMIT}"
    assert "file model.safetensors" not in hub.asked  # the weights come with the run
    job = TrainingJob.objects.get()
    RunFolder.of(job).path.mkdir(parents=True)
    base = read_spec(RunFolder.of(job).write_spec(job, attempt=1, seconds_left=60)).base
    assert (base.name, base.revision) == ("some/model", COMMIT)
    assert base.path == str(hub.cache)
    assert (hub.cache / "model.safetensors").exists()


def test_later_commits_change_nothing_for_the_job(
    api: APIClient, project: Project, dataset_id: str, hub: FakeHub
) -> None:
    create(api, project, dataset_id)
    hub.asked.clear()

    shown = api.get(f"/v1/models/some/model@{COMMIT}")

    assert shown.status_code == 200
    assert shown.json()["hugging_face_id"] == "some/model"
    assert hub.asked == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hf_model_link": "http://169.254.169.254/latest/meta-data"}, "no Hugging Face model"),
        ({"hf_model_link": "file:///etc/passwd"}, "no Hugging Face model"),
        ({"hf_model_link": "https://huggingface.co.example.com/a/b"}, "no Hugging Face model"),
        ({"hf_model_link": "some/../model"}, "no Hugging Face model"),
        ({"hf_model_link": None}, "needs the link"),
        ({"base_model": "tiny-llama-instruct"}, "only with base_model HF_MODEL"),
    ],
)
def test_other_addresses_are_never_asked(
    api: APIClient, project: Project, dataset_id: str, hub: FakeHub, changes: dict[str, Any], said: str
) -> None:
    answer = create(api, project, dataset_id, **changes)

    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert hub.asked == []


def test_offline(api: APIClient, project: Project, dataset_id: str, hub: FakeHub, settings: Settings) -> None:
    settings.HF_OFFLINE = True

    answer = create(api, project, dataset_id)

    assert (answer.status_code, answer.json()["code"]) == (503, "base_model_unavailable")
    assert "EMBASSY_MODELS_DIRS" in answer.json()["error"]


def test_weights_in_another_format(api: APIClient, project: Project, dataset_id: str, hub: FakeHub) -> None:
    (hub.remote / "model.safetensors").rename(hub.remote / "pytorch_model.bin")

    answer = create(api, project, dataset_id)

    assert (answer.status_code, answer.json()["code"]) == (400, "base_model_unusable")
