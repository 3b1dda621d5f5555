"""Every kind of training, from the API to the scores of its checkpoints, on the real parts."""

import random
from typing import Any

import pytest

from recipes.tiny_llama.corpus.facts import CAPITALS
from tests.e2e.live import LivePlatform, sample_rows

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def project(platform: LivePlatform) -> str:
    return platform.create_project("techniques")


def run(
    platform: LivePlatform, project: str, train: Rows, test: Rows, *, path: str = "", **body: Any
) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
    """The finished job, and the result of each checkpoint; 0 is what there was before."""
    name = f"{body.get('task_type', 'text')}{path.replace('/', '-')}"
    asked = {
        "base_model": "tiny-llama-instruct",
        "train_dataset_id": platform.upload(project, train, name=f"{name}-train"),
        "test_dataset_id": platform.upload(project, test, name=f"{name}-test"),
    } | body
    address = f"/v1/projects/{project}/training-jobs"
    job = platform.call("POST", f"{address}{path}", expect=201, json=asked)["id"]
    finished = platform.wait_for_job(project, job)
    assert finished["status"] == "Success", finished
    for row in platform.call("GET", f"{address}/{job}/checkpoints"):
        assert row["parity"]["status"] == "passed", row
    results = platform.call("GET", f"{address}/{job}/results")
    return finished, {result["checkpoint"]: result for result in results}


def deploy(platform: LivePlatform, project: str, job: dict[str, Any], checkpoint: int) -> str:
    """Its id, as soon as requests may name it."""
    body = {"training_job_id": job["id"], "checkpoint": checkpoint, "name": f"served-{job['id']}"}
    created = platform.call("POST", f"/v1/projects/{project}/deployments", expect=201, json=body)
    return str(platform.wait_for_deployment(project, created["id"])["id"])


def test_classification(platform: LivePlatform, project: str) -> None:
    job, results = run(
        platform,
        project,
        sample_rows("train", 240),
        sample_rows("heldout", 60),
        task_type="classification",
        parameters={"num_train_epochs": 4, "dynamic_loss": True},
    )
    last = results[4]

    assert job["test_functions"] == ["label_match_shared"]
    assert (
        float(last["scores"]["label_match_shared"]) > float(results[0]["scores"]["label_match_shared"]) + 0.3
    )
    assert last["metrics"]["values"]["accuracy"] == float(last["scores"]["label_match_shared"])
    assert set(last["metrics"]["confusion"]["labels"]) >= {
        row["completion"] for row in sample_rows("heldout", 60)
    }
    asked = {"model": deploy(platform, project, job, 4), "input": last["sample"][0]["input_text"]}
    logits = platform.call("POST", "/v1/classification", json=asked)["data"][0]["logits"]
    assert max(logits, key=logits.get) == last["sample"][0]["predicted_output"]


def test_a_head_goes_on_from_a_checkpoint(platform: LivePlatform, project: str) -> None:
    train, test = sample_rows("train", 160), sample_rows("heldout", 40)
    parameters = {"num_train_epochs": 1}
    options = {"task_type": "classification", "parameters": parameters}
    _, first = run(platform, project, train, test, name="head", **options)
    start = {"base_model_option": "fine-tuned", "base_model": "head", "checkpoint": 1}
    _, second = run(platform, project, train, test, **options, **start)

    before, after = (float(results[1]["scores"]["label_match_shared"]) for results in (first, second))
    assert after > before


def test_several_labels(platform: LivePlatform, project: str) -> None:
    def rows(file: str, count: int) -> Rows:
        return [
            row
            | {
                "completion": {
                    "money": int(row["completion"] == "billing"),
                    "any": int(len(row["prompt"]) > 0),
                }
            }
            for row in sample_rows(file, count)
        ]

    _, results = run(
        platform,
        project,
        rows("train", 160),
        rows("heldout", 40),
        task_type="classification",
        parameters={"num_train_epochs": 3},
    )

    assert results[3]["metrics"]["values"]["accuracy"] > results[0]["metrics"]["values"]["accuracy"]
    assert results[3]["sample"][0]["predicted_output"].startswith('{"any": 1')


def test_regression(platform: LivePlatform, project: str) -> None:
    prices = {
        row["completion"]: 10.0 * number for number, row in enumerate(sample_rows("train", 200), start=1)
    }

    def rows(file: str, count: int) -> Rows:
        return [row | {"completion": prices[row["completion"]]} for row in sample_rows(file, count)]

    job, results = run(
        platform,
        project,
        rows("train", 240),
        rows("heldout", 60),
        task_type="regression",
        parameters={"num_train_epochs": 4},
    )

    before, after = results[0]["metrics"]["values"], results[4]["metrics"]["values"]
    assert after["mae"] < before["mae"] * 0.7
    assert after["r2"] > 0.3
    tested = results[4]["sample"][0]
    asked = {"model": deploy(platform, project, job, 4), "input": tested["input_text"]}
    [answer] = platform.call("POST", "/v1/regression", json=asked)["data"]
    assert answer["value"] == pytest.approx(float(tested["predicted_output"]), rel=1e-3)


def test_embedding(platform: LivePlatform, project: str) -> None:
    tickets = sample_rows("train", 200)
    chance = random.Random(0)

    def pairs(count: int) -> Rows:
        drawn = [chance.sample(tickets, 2) for _ in range(count)]
        return [
            {
                "text1": one["prompt"],
                "text2": other["prompt"],
                "score": float(one["completion"] == other["completion"]),
            }
            for one, other in drawn
        ]

    job, results = run(
        platform,
        project,
        pairs(128),
        pairs(64),
        base_model="all-MiniLM-L6-v2",
        task_type="embedding",
        parameters={"num_train_epochs": 2},
    )

    before, after = results[0]["metrics"]["values"], results[2]["metrics"]["values"]
    assert after["pearson"] > before["pearson"] + 0.1
    asked = {"input": tickets[0]["prompt"], "target": tickets[1]["prompt"]}
    for model in ("all-MiniLM-L6-v2", deploy(platform, project, job, 2)):
        answer = platform.call("POST", "/v1/embeddings", json={"model": model, **asked})["response"]
        assert len(answer["input_embedding"]) == 384
        assert -1 <= answer["cosine_score"] < 0.999


def capitals(*questions: str) -> list[tuple[str, str, str]]:
    """Questions that the base model answers by a word or by a sentence, as it happens, and both answers."""
    return [
        (question.format(country), city, f"The capital of {country} is {city}.")
        for country, city in CAPITALS.items()
        for question in questions
    ]


ASKED = ("What is the capital of {}?", "Tell me the capital of {}.")
HELD_OUT = ("Which city is the capital of {}?",)


def test_preferences(platform: LivePlatform, project: str) -> None:
    def rows(*questions: str) -> Rows:
        return [
            {"prompt": question, "chosen": word, "rejected": sentence}
            for question, word, sentence in capitals(*questions)
        ]

    job, results = run(
        platform,
        project,
        rows(*ASKED),
        rows(*HELD_OUT),
        test_functions=["exact_match_shared"],
        parameters={"num_train_epochs": 3},
    )

    assert (job["technique"], job["training_technique"]) == ("DPO", "SFT")
    before, after = (float(results[number]["scores"]["exact_match_shared"]) for number in (0, 3))
    assert after > before + 0.1


def test_rewards(platform: LivePlatform, project: str) -> None:
    def rows(*questions: str) -> Rows:
        return [{"prompt": question, "completion": word} for question, word, _ in capitals(*questions)]

    job, results = run(
        platform,
        project,
        rows(*ASKED),
        rows(*HELD_OUT),
        path="/grpo",
        test_functions=["exact_match_shared", "token_f1_shared"],
        reward={"exact_match_shared": 0.8, "token_f1_shared": 0.2},
        parameters={"num_train_epochs": 3, "num_generations": 8, "max_completion_length": 16},
    )

    assert (job["technique"], job["training_technique"]) == ("GRPO", "GRPO")
    before, after = (float(results[number]["scores"]["exact_match_shared"]) for number in (0, 3))
    assert after > before + 0.1


def test_reward_of_a_user(platform: LivePlatform, project: str) -> None:
    content = (
        "def one_word(input_text, expected_output, predicted_output):\n"
        "    return 1.0 if len(predicted_output.split()) == 1 else 0.0\n"
    )
    platform.call("POST", "/v1/testing-functions", expect=201, json={"name": "one_word", "content": content})
    rows = [{"prompt": question, "completion": word} for question, word, _ in capitals(*ASKED)]
    _, results = run(
        platform,
        project,
        rows,
        rows,
        path="/grpo",
        name="one-word",
        test_functions=["one_word"],
        reward={"one_word": 1},
        parameters={"num_train_epochs": 1, "max_completion_length": 16},
    )

    before, after = (float(results[number]["scores"]["one_word"]) for number in (0, 1))
    assert after > before
