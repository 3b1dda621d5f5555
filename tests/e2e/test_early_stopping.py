"""A job that learns nothing more is stopped while it trains, and keeps what was best."""

from typing import Any

import pytest

from tests.e2e.live import LivePlatform, sample_rows

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

EPOCHS = 100  # each lasts a second or more, so that the engine has time to come up


def test_training_is_stopped_early(platform: LivePlatform) -> None:
    project = platform.create_project("early stopping")
    dataset = platform.upload(project, sample_rows("train", 120), name="tickets")
    job_id = platform.train(
        project,
        dataset,
        train_test_split_ratio=20,
        # So slow that no answer changes: the first checkpoint stays the best.
        parameters={"learning_rate": 1e-8, "num_train_epochs": EPOCHS, "per_device_train_batch_size": 4},
        selection={"early_stopping_patience": 1, "keep": "best"},
    )

    job = platform.wait_for_job(project, job_id, seconds=280)

    assert (job["status"], job["reason_code"]) == ("Success", "early_stopped"), job
    assert "Checkpoint 1 is the best" in job["reason"]
    address = f"/v1/projects/{project}/training-jobs/{job_id}"
    events = platform.call("GET", f"{address}/events?limit=5000")
    kinds = [event["event"] for event in events]
    tested = [event["details"]["checkpoint"] for event in events if event["event"] == "tested"]
    assert tested[:2] == [1, 2]
    assert kinds.index("tested") < kinds.index("end")  # while the trainer was at work
    assert kinds.count("early_stopped") == 1
    made = max(tested)
    assert made < EPOCHS
    assert_only_the_best_is_kept(platform, project, job_id, made)


def assert_only_the_best_is_kept(platform: LivePlatform, project: str, job_id: str, made: int) -> None:
    address = f"/v1/projects/{project}/training-jobs/{job_id}"
    (kept,) = platform.call("GET", f"{address}/checkpoints")
    assert (kept["checkpoint"], kept["best"]) == (1, True)
    table: dict[str, Any] = platform.call("GET", f"{address}/results/metrics")
    stored = {line["checkpoint"]: line["stored"] for line in table["checkpoints"]}
    assert stored == {number: number <= 1 for number in range(made + 1)}
    rows = platform.call("GET", f"{address}/results/2/rows?order=worst&limit=3")
    assert len(rows["rows"]) == 3  # what was removed can still be looked at
    compared = platform.call("GET", f"{address}/results/compare?a=1&b=2&by=exact_match_shared")
    assert (compared["better"], compared["worse"]) == (0, 0)
