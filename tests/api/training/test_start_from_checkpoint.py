"""POST …/training-jobs with base_model_option fine-tuned: what a run starts from, and what it will leave."""

import json
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from embassy.platform.actor import Actor
from embassy.platform.storage import get_storage
from embassy.projects.models import Project
from embassy.training.models import Checkpoint, TrainingJob
from embassy.training.spec import TrainingSpec, read_spec
from embassy.training.supervisor.folder import RunFolder
from tests.factories.datasets import jsonl_bytes, make_dataset
from tests.factories.training import make_checkpoint, make_job, make_rows
from tests.fakes.weights import write_safetensors

OTHER = {
    "architectures": ["Phi3ForCausalLM"],
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "vocab_size": 16,
    "max_position_embeddings": 512,
}


@pytest.fixture
def dataset_id(project: Project, actor: Actor) -> str:
    return make_dataset(project=project, actor=actor, content=make_rows(), file_name="sums.jsonl").public_id


@pytest.fixture
def parent(project: Project, actor: Actor) -> TrainingJob:
    return make_job(project=project, actor=actor, name="parent", parameters={"lora_r": 32})


def start(
    api: APIClient, checkpoint: Checkpoint, dataset_id: str, parameters: dict[str, Any] | None = None
) -> TrainingJob:
    parent = checkpoint.job
    body = {
        "base_model_option": "fine-tuned",
        "base_model": parent.name,
        "checkpoint": checkpoint.number,
        "task_type": parent.task_type,
        "train_dataset_id": dataset_id,
        "parameters": parameters or {},
    }
    answer = api.post(f"/v1/projects/{parent.project.public_id}/training-jobs", body, format="json")
    assert answer.status_code == 201, answer.json()
    return TrainingJob.objects.get(public_id=answer.json()["id"])


def spec_of(job: TrainingJob) -> TrainingSpec:
    """What the trainer is told."""
    folder = RunFolder.of(job)
    folder.path.mkdir(parents=True)
    return read_spec(folder.write_spec(job, attempt=1, seconds_left=60))


def test_adapter_is_trained_on_as_it_is(api: APIClient, parent: TrainingJob, dataset_id: str) -> None:
    job = start(api, make_checkpoint(parent, rank=32), dataset_id)

    spec = spec_of(job)
    assert job.parameters["lora_r"] == 32
    assert spec.adapter == str(RunFolder.of(job).path / "start")
    assert spec.base.path.endswith("tiny-llama-instruct")
    assert not spec.whole
    assert len(spec.base.sha256) == 64


@pytest.mark.parametrize("parameters", [{"lora_r": 8}, {"lora_alpha": 1}, {"use_rslora": True}])
def test_adapter_of_another_shape_stands_on_the_merged_start(
    api: APIClient, parent: TrainingJob, dataset_id: str, parameters: dict[str, Any]
) -> None:
    job = start(api, make_checkpoint(parent, rank=32), dataset_id, parameters)

    spec = spec_of(job)
    assert spec.adapter is not None
    assert spec.whole


@pytest.mark.parametrize("parameters", [{}, {"full_fine_tuning": True}, {"use_dora": True}, {"lora_r": 4}])
def test_whole_model_is_a_base(
    api: APIClient, parent: TrainingJob, dataset_id: str, parameters: dict[str, Any]
) -> None:
    checkpoint = make_checkpoint(parent, merged=True, rank=0, sha256="5" * 64)

    job = start(api, checkpoint, dataset_id, parameters)

    spec = spec_of(job)
    assert spec.base.path == str(RunFolder.of(job).path / "start")
    assert spec.base.name == "tiny-llama-instruct"
    assert (spec.adapter, spec.whole) == (None, True)
    assert job.parameters["lora_r"] == parameters.get("lora_r", 16)  # no adapter whose rank would be kept
    assert get_storage().exists(job.start_key)
    assert job.spec["start_sha256"] == "5" * 64


def test_chain_of_three(api: APIClient, parent: TrainingJob, dataset_id: str) -> None:
    second = start(api, make_checkpoint(parent, rank=32), dataset_id, {"full_fine_tuning": True})
    third = start(api, make_checkpoint(second, merged=True, rank=0), dataset_id)

    assert third.base_model == "tiny-llama-instruct"
    assert third.base_fine_tuned_model == second.name
    assert spec_of(third).whole


def test_embedding_model(api: APIClient, project: Project, actor: Actor) -> None:
    rows = jsonl_bytes([{"text1": f"a {n}", "text2": f"b {n}", "score": n / 10} for n in range(10)])
    dataset = make_dataset(project=project, actor=actor, content=rows, file_name="pairs.jsonl")
    parent = make_job(
        project=project,
        actor=actor,
        name="vectors",
        base_model="all-MiniLM-L6-v2",
        task_type="embedding",
        train_dataset_id=dataset.public_id,
    )

    job = start(api, make_checkpoint(parent, merged=True, rank=0), dataset.public_id)

    assert spec_of(job).base.path == str(RunFolder.of(job).path / "start")


def test_base_that_is_served_without_adapters_leaves_whole_models(
    project: Project, actor: Actor, settings: Settings, tmp_path: Path
) -> None:
    settings.MODELS_DIRS = [*settings.MODELS_DIRS, tmp_path / "models"]
    folder = tmp_path / "models" / "phi"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(OTHER))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    write_safetensors(folder / "model.safetensors", {"w": (8, 8)})

    job = make_job(project=project, actor=actor, base_model="phi")

    assert spec_of(job).whole


def test_model_without_a_chat_template_cannot_learn_to_answer(
    api: APIClient, project: Project, dataset_id: str, settings: Settings, tmp_path: Path
) -> None:
    settings.MODELS_DIRS = [tmp_path / "models"]
    folder = tmp_path / "models" / "plain"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({**OTHER, "architectures": ["LlamaForCausalLM"]}))
    (folder / "tokenizer.json").write_text("{}")
    write_safetensors(folder / "model.safetensors", {"w": (8, 8)})
    body = {"base_model": "plain", "train_dataset_id": dataset_id}

    answer = api.post(f"/v1/projects/{project.public_id}/training-jobs", body, format="json")

    assert (answer.status_code, answer.json()["code"]) == (400, "base_model_unusable")
    assert "has no chat template" in answer.json()["error"]


def test_model_that_cannot_be_used_says_why(
    api: APIClient, project: Project, dataset_id: str, settings: Settings, tmp_path: Path
) -> None:
    settings.MODELS_DIRS = [tmp_path / "models"]
    (tmp_path / "models" / "odd").mkdir(parents=True)
    (tmp_path / "models" / "odd" / "config.json").write_text('{"architectures": ["T5Model"]}')
    body = {"base_model": "odd", "train_dataset_id": dataset_id}

    answer = api.post(f"/v1/projects/{project.public_id}/training-jobs", body, format="json")

    assert (answer.status_code, answer.json()["code"]) == (400, "base_model_unusable")
    assert answer.json()["error"].startswith("base_model: odd is a T5Model, which cannot be used.")
