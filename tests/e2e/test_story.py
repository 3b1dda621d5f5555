"""From an uploaded file to a deployment that answers, on the real parts."""

import io
import json
import tarfile

import httpx
import pytest

from tests.e2e.conftest import Trained
from tests.e2e.live import LivePlatform, sample_rows

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]


def test_training_improves_on_rows_it_never_saw(platform: LivePlatform, trained: Trained) -> None:
    path = f"/v1/projects/{trained.project}/training-jobs/{trained.job['id']}/results"
    scores = {
        row["checkpoint"]: float(row["scores"]["exact_match_shared"]) for row in platform.call("GET", path)
    }

    assert set(scores) == {0, 1, 2, 3, 4}
    assert scores[4] >= 0.8
    assert scores[4] - scores[0] >= 0.5


def test_job_shows_its_way(platform: LivePlatform, trained: Trained) -> None:
    losses = [point["loss"] for point in trained.job["training_loss"]]

    assert trained.job["progress"] == 100
    assert len(losses) >= 20
    assert sum(losses[-5:]) < sum(losses[:5]) / 4
    assert trained.job["hyper_parameters"]["num_train_epochs"] == 4


def test_each_checkpoint_can_be_downloaded_with_its_results(platform: LivePlatform, trained: Trained) -> None:
    path = f"/v1/projects/{trained.project}/training-jobs/{trained.job['id']}/checkpoints"
    checkpoints = platform.call("GET", path)

    assert [row["checkpoint"] for row in checkpoints] == [1, 2, 3, 4]
    archive = httpx.get(checkpoints[-1]["model_download_url"])  # signed: no key needed
    with tarfile.open(fileobj=io.BytesIO(archive.content)) as files:
        names = {name.removeprefix("./") for name in files.getnames()}
    assert {"adapter_config.json", "adapter_model.safetensors", "chat_template.jinja"} <= names
    rows = httpx.get(checkpoints[-1]["test_results"]["general_test_result"]).text.splitlines()
    assert len(rows) == 60
    assert json.loads(rows[0]).keys() >= {"input_text", "expected_output", "predicted_output"}


@pytest.mark.parametrize("by", ["id", "name"])
def test_deployment_answers_as_it_was_trained(platform: LivePlatform, trained: Trained, by: str) -> None:
    rows = sample_rows("heldout", 20)
    right = 0
    for row in rows:
        body = {"model": trained.deployment[by], "prompt": row["prompt"], "temperature": 0}
        answer = platform.call("POST", "/v1/completions", json=body)
        right += answer["choices"][0]["text"].strip() == row["completion"]

    assert right >= 16
    assert answer["model"] == trained.deployment[by]
    assert answer["usage"]["prompt_tokens"] > 5


def test_chat_plain_and_streamed_say_the_same(platform: LivePlatform, trained: Trained) -> None:
    messages = [{"role": "user", "content": sample_rows("heldout", 1)[0]["prompt"]}]
    body = {"model": trained.deployment["name"], "messages": messages, "temperature": 0}
    plain = platform.call("POST", "/v1/chat/completions", json=body)

    chunks = []
    with platform.http.stream("POST", "/v1/chat/completions", json=body | {"stream": True}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        chunks = [line.removeprefix("data: ") for line in stream.iter_lines() if line.startswith("data: ")]

    assert chunks[-1] == "[DONE]"
    deltas = [json.loads(chunk)["choices"][0]["delta"].get("content") or "" for chunk in chunks[:-1]]
    assert "".join(deltas) == plain["choices"][0]["message"]["content"]


def test_shared_base_model_answers(platform: LivePlatform, trained: Trained) -> None:
    body = {
        "model": "tiny-llama-instruct",
        "messages": [{"role": "user", "content": "Hello!"}],
        "max_tokens": 8,
    }

    assert platform.call("POST", "/v1/chat/completions", json=body)["choices"][0]["message"]["content"]


def test_prompt_longer_than_the_context_says_so(platform: LivePlatform, trained: Trained) -> None:
    body = {"model": trained.deployment["name"], "prompt": "a long story. " * 2000}

    answer = platform.call("POST", "/v1/completions", expect=400, json=body)

    assert answer["code"] == "context_length_exceeded"
    assert "1024" in answer["error"]


def test_unknown_model_says_where_to_look(platform: LivePlatform) -> None:
    body = {"model": "no-such-thing", "prompt": "x"}

    answer = platform.call("POST", "/v1/completions", expect=404, json=body)

    assert answer["code"] == "model_not_found"
    assert "no-such-thing" in answer["error"]


def test_deploying_what_does_not_exist_or_is_not_finished(platform: LivePlatform, trained: Trained) -> None:
    path = f"/v1/projects/{trained.project}/deployments"
    missing = {"training_job_id": trained.job["id"], "checkpoint": 9, "name": "missing"}
    before = platform.call("GET", path)

    assert "checkpoint" in platform.call("POST", path, expect=400, json=missing)["error"].lower()

    dataset = platform.upload(trained.project, sample_rows("train", 100), name="unfinished")
    job = platform.train(trained.project, dataset, train_test_split_ratio=20)
    unfinished = {"training_job_id": job, "checkpoint": 1, "name": "unfinished"}
    assert platform.call("POST", path, expect=400, json=unfinished)["error"]
    platform.call("POST", f"/v1/projects/{trained.project}/training-jobs/{job}/cancel", expect=204)
    assert platform.wait_for_job(trained.project, job)["status"] == "Cancelled"
    assert platform.call("GET", path) == before


def test_deleted_deployment_is_gone_at_once(platform: LivePlatform, trained: Trained) -> None:
    path = f"/v1/projects/{trained.project}/deployments"
    body = {"training_job_id": trained.job["id"], "checkpoint": 1, "name": "short-lived"}
    created = platform.call("POST", path, expect=201, json=body)
    platform.wait_for_deployment(trained.project, created["id"])
    question = {"model": "short-lived", "prompt": "x", "max_completion_tokens": 1}
    platform.call("POST", "/v1/completions", json=question)

    platform.call("DELETE", f"{path}/{created['id']}", expect=204)

    platform.call("POST", "/v1/completions", expect=404, json=question)
    platform.call("GET", f"{path}/{created['id']}", expect=404)


def test_project_shows_what_is_in_it(platform: LivePlatform, trained: Trained) -> None:
    detail = platform.call("GET", f"/v1/projects/{trained.project}")

    assert {row["name"] for row in detail["datasets"]} >= {"train", "heldout"}
    assert trained.job["id"] in {row["id"] for row in detail["training_jobs"]}
    assert trained.deployment["id"] in {row["id"] for row in detail["deployments"]}
