"""What comes of a checkpoint, and what a job may start from, on the real parts."""

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.e2e.conftest import Trained
from tests.e2e.live import ROOT, LivePlatform, sample_rows
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def checkpoint_path(trained: Trained, number: int) -> str:
    return f"/v1/projects/{trained.project}/training-jobs/{trained.job['id']}/checkpoints/{number}"


def results_of(platform: LivePlatform, project: str, job: str) -> dict[int, dict[str, Any]]:
    results = platform.call("GET", f"/v1/projects/{project}/training-jobs/{job}/results")
    return {result["checkpoint"]: result for result in results}


def deployed(platform: LivePlatform, project: str, job: str, checkpoint: int) -> str:
    body = {"training_job_id": job, "checkpoint": checkpoint, "name": f"of-{job}"}
    created = platform.call("POST", f"/v1/projects/{project}/deployments", expect=201, json=body)
    return str(platform.wait_for_deployment(project, created["id"])["id"])


def ask(platform: LivePlatform, model: str, text: str) -> str:
    body = {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "temperature": 0,
        "max_tokens": 32,
    }
    answer = platform.call("POST", "/v1/chat/completions", json=body)
    return str(answer["choices"][0]["message"]["content"])


def test_merged_model_answers_as_the_deployment(
    platform: LivePlatform, trained: Trained, tmp_path: Path
) -> None:
    path = checkpoint_path(trained, 4)
    asked = platform.http.post(f"{path}/merge")
    assert asked.status_code in (200, 202), asked.text

    def ready() -> dict[str, Any] | None:
        found = {artifact["kind"]: artifact for artifact in platform.call("GET", f"{path}/artifacts")}
        assert found["merged"]["state"] != "failed", found
        return found["merged"] if found["merged"]["state"] == "ready" else None

    merged = wait_for(ready, seconds=120, what="the merged model")
    content = httpx.get(merged["download_url"], timeout=60).content
    assert len(content) == merged["size_bytes"]
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(tmp_path, filter="data")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    model = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    for row in results_of(platform, trained.project, trained.job["id"])[4]["sample"][:3]:
        inputs = tokenizer.apply_chat_template(
            [{"role": "user", "content": row["input_text"]}],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        )
        with torch.no_grad():
            output = model.generate(**inputs, max_new_tokens=32, do_sample=False)
        said = tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        assert said == ask(platform, trained.deployment["id"], row["input_text"])
    assert platform.call("POST", f"{path}/merge")["state"] == "ready"


def test_evidence_tells_everything(platform: LivePlatform, trained: Trained) -> None:
    evidence = platform.call("GET", f"{checkpoint_path(trained, 4)}/evidence")

    assert evidence["base_model"]["name"] == "tiny-llama-instruct"
    assert len(evidence["base_model"]["weights_sha256"]) == 64
    assert evidence["environment"]["packages"]["torch"]
    assert evidence["tests"]["checkpoint"]["scores"]["exact_match_shared"] > 0.5
    assert evidence["tests"]["functions"][0]["source_sha256"]
    assert {"README.md", "adapter_config.json", "adapter_model.safetensors", "tokenizer.json"} <= set(
        evidence["checkpoint"]["archive"]["files"]
    )
    assert len(evidence["datasets"]["train"]["rows_sha256"]) == 64


def test_a_whole_model_is_trained_further(platform: LivePlatform, trained: Trained) -> None:
    project = trained.project
    dataset = platform.upload(project, sample_rows("train", 160), name="first-part")
    heldout = platform.upload(project, sample_rows("heldout", 20), name="a-few")
    options: dict[str, Any] = {"per_device_train_batch_size": 16, "num_train_epochs": 1}
    first = platform.train(
        project,
        dataset,
        name="whole",
        test_dataset_id=heldout,
        parameters={**options, "learning_rate": 1e-3, "full_fine_tuning": True},
    )
    assert platform.wait_for_job(project, first)["status"] == "Success"
    start = {"base_model_option": "fine-tuned", "base_model": "whole", "checkpoint": 1}
    second = platform.train(
        project, dataset, test_dataset_id=heldout, parameters={**options, "learning_rate": 3e-3}, **start
    )
    finished = platform.wait_for_job(project, second)
    assert finished["status"] == "Success", finished

    losses = [
        [point["loss"] for point in platform.job(project, job)["training_loss"]] for job in (first, second)
    ]
    assert losses[1][0] < losses[0][0] / 2
    row = results_of(platform, project, second)[1]["sample"][0]
    assert ask(platform, deployed(platform, project, second, 1), row["input_text"]) == row["predicted_output"]


@pytest.mark.parametrize("architecture", ["Qwen2ForCausalLM", "Phi3ForCausalLM"])
def test_model_in_a_folder(platform: LivePlatform, trained: Trained, architecture: str) -> None:
    """One with the layers of Llama, whose adapters are served, and one without, whose results are merged."""
    name = f"ours-{architecture.lower()}"
    folder = platform.home / "models" / name
    folder.parent.mkdir(exist_ok=True)
    subprocess.run(
        [sys.executable, "-m", "tests.fakes.tiny_model", str(folder), architecture], cwd=ROOT, check=True
    )
    listed = {model["name"]: model for model in platform.call("GET", "/v1/models")}[name]
    assert (listed["type"], listed["context_length"]) == ("chat", 1024)
    assert listed["size_parameters"] > 100_000
    dataset = platform.upload(trained.project, sample_rows("train", 160), name=f"for-{name}")
    heldout = platform.upload(trained.project, sample_rows("heldout", 10), name=f"held-for-{name}")
    parameters = {"learning_rate": 1e-2, "num_train_epochs": 1, "per_device_train_batch_size": 16}

    job = platform.train(
        trained.project, dataset, base_model=name, test_dataset_id=heldout, parameters=parameters
    )

    finished = platform.wait_for_job(trained.project, job)
    assert finished["status"] == "Success", finished
    losses = [point["loss"] for point in finished["training_loss"]]
    assert losses[-1] < losses[0]
    result = results_of(platform, trained.project, job)[1]
    said = ask(platform, deployed(platform, trained.project, job, 1), result["sample"][0]["input_text"])
    assert said == result["sample"][0]["predicted_output"]
    path = f"/v1/projects/{trained.project}/training-jobs/{job}/checkpoints/1/evidence"
    evidence = platform.call("GET", path)
    assert evidence["checkpoint"]["kind"] == ("adapter" if "Qwen2" in architecture else "model")
    assert json.loads((folder / "config.json").read_text())["architectures"] == [architecture]
