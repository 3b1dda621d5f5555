"""GET …/results, …/results/metrics, …/results/{checkpoint}/rows and …/results/compare"""

from typing import Any

import pytest
from rest_framework.test import APIClient

from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training.models import TrainingJob
from tests.factories.training import make_checkpoint, make_job, make_tested_rows

PAGES = ["/metrics", "/1/rows", "/compare?b=1"]


@pytest.fixture
def job(project: Project, actor: Actor) -> TrainingJob:
    return make_tested(project, actor)


def make_tested(project: Project, actor: Actor, **selection: Any) -> TrainingJob:
    job = make_job(
        project=project,
        actor=actor,
        train_test_split_ratio=20,
        test_functions=("exact_match_shared",),
        selection=selection or None,
    )
    make_checkpoint(job, 1)
    make_tested_rows(job, 0, [0.0, 0.5, 0.0, 1.0])
    make_tested_rows(job, 1, [1.0, 0.5, None, 0.25])
    return job


def address(job: TrainingJob, tail: str = "") -> str:
    return f"/v1/projects/{job.project.public_id}/training-jobs/{job.public_id}/results{tail}"


def lines(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [row["line"] for row in answer.json()["rows"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [1, 2, 3, 4]),
        ("?order=best", [1, 2, 4, 3]),
        ("?order=worst", [3, 4, 2, 1]),
        ("?order=worst&limit=2", [3, 4]),
        ("?order=worst&limit=2&offset=2", [2, 1]),
        ("?order=best&offset=4", []),
        ("?limit=1&offset=1", [2]),
        ("?only_failed=true", [3]),
        ("?only_failed=true&order=best&by=exact_match_shared", [3]),
    ],
)
def test_rows(api: APIClient, job: TrainingJob, query: str, expected: list[int]) -> None:
    answer = api.get(address(job, f"/1/rows{query}"))

    assert lines(answer) == expected
    assert answer.json()["total"] == (1 if "only_failed" in query else 4)


def test_rows_tell_what_was_answered_and_why_there_is_no_score(api: APIClient, job: TrainingJob) -> None:
    (row,) = api.get(address(job, "/1/rows?only_failed=true")).json()["rows"]

    assert row == {
        "line": 3,
        "input_text": "Question 3",
        "expected_output": "yes",
        "predicted_output": "answer 3 of 1",
        "scores": {"exact_match_shared": None},
        "reasons": {"exact_match_shared": "ValueError: no"},
    }


def test_where_less_is_better_the_least_comes_first(api: APIClient, project: Project, actor: Actor) -> None:
    job = make_tested(project, actor, higher_is_better=False)

    assert lines(api.get(address(job, "/1/rows?order=best"))) == [4, 2, 1, 3]


@pytest.mark.parametrize(
    "tail",
    [
        "/1/rows?order=odd",
        "/1/rows?limit=0",
        "/1/rows?limit=1001",
        "/1/rows?offset=-1",
        "/1/rows?by=none_such",
        "/compare",
        "/compare?b=x",
        "/compare?b=1&show=odd",
        "/compare?b=1&by=none_such",
        "?order=odd",
        "?by=none_such",
    ],
)
def test_bad_query(api: APIClient, job: TrainingJob, tail: str) -> None:
    assert api.get(address(job, tail)).status_code == 400


@pytest.mark.parametrize("tail", ["/7/rows", "/compare?b=7", "/compare?a=7&b=1"])
def test_what_has_not_been_tested(api: APIClient, job: TrainingJob, tail: str) -> None:
    answer = api.get(address(job, tail))

    assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")
    assert "Checkpoint 7 of training job" in answer.json()["error"]


def test_sample_may_be_ordered(api: APIClient, job: TrainingJob) -> None:
    base, first = api.get(address(job, "?order=best&rows=2")).json()

    assert [row["line"] for row in base["sample"]] == [4, 2]
    assert [row["line"] for row in first["sample"]] == [1, 2]


def test_improvement_on_the_base_model(api: APIClient, job: TrainingJob) -> None:
    job.checkpoints.update(best=True)

    base, first = api.get(address(job)).json()

    assert (base["improvement"], base["best"], base["stored"]) == ({}, False, True)
    assert first["improvement"] == {"exact_match_shared": 0.0625}
    assert (first["best"], first["stored"]) == (True, True)


def test_results_of_a_checkpoint_that_was_not_kept(api: APIClient, job: TrainingJob) -> None:
    job.checkpoints.all().delete()

    _, first = api.get(address(job)).json()

    assert first["stored"] is False
    assert lines(api.get(address(job, "/1/rows"))) == [1, 2, 3, 4]


def test_metric_table(api: APIClient, job: TrainingJob) -> None:
    make_checkpoint(job, 2)
    for number, accuracy, error in ((0, 0.25, 4.0), (1, 0.5, 3.0)):
        job.test_results.filter(number=number).update(
            metrics={"rows": 4, "values": {"accuracy": accuracy, "mae": error, "bias": 1.0}}
        )

    table = api.get(address(job, "/metrics")).json()

    assert table["functions"] == [{"name": "exact_match_shared", "higher_is_better": True, "selects": True}]
    assert [(column["name"], column["higher_is_better"]) for column in table["metrics"]] == [
        ("accuracy", True),
        ("mae", False),
        ("bias", None),
    ]
    base, first, second = table["checkpoints"]
    assert [line["checkpoint"] for line in (base, first, second)] == [0, 1, 2]
    assert first["scores"]["exact_match_shared"] == {
        "value": 0.4375,
        "change": 0.0625,
        "is_better": True,
        "is_best": True,
        "failures": 1,
    }
    assert first["metrics"]["mae"] == {"value": 3.0, "change": -1.0, "is_better": True, "is_best": True}
    assert first["metrics"]["bias"]["is_better"] is None
    assert base["metrics"]["accuracy"]["change"] is None
    assert (second["tested"], second["scores"], second["stored"]) == (False, {}, True)


def test_comparison(api: APIClient, job: TrainingJob) -> None:
    found = api.get(address(job, "/compare?b=1")).json()

    assert (found["a"], found["b"], found["by"]) == (0, 1, "exact_match_shared")
    assert (found["better"], found["worse"], found["same"], found["total"]) == (1, 1, 2, 2)
    assert [(row["line"], row["verdict"], row["gain"]) for row in found["rows"]] == [
        (1, "better", 1.0),
        (4, "worse", -0.75),
    ]
    assert found["rows"][0]["a"] == {"predicted_output": "answer 1 of 0", "score": 0.0}
    assert found["rows"][0]["b"] == {"predicted_output": "answer 1 of 1", "score": 1.0}


@pytest.mark.parametrize(
    ("query", "expected", "total"),
    [
        ("show=better", [1], 1),
        ("show=worse", [4], 1),
        ("show=all", [1, 4, 2, 3], 4),
        ("show=all&limit=1&offset=1", [4], 4),
        ("show=changed&offset=2", [], 2),
    ],
)
def test_parts_of_a_comparison(
    api: APIClient, job: TrainingJob, query: str, expected: list[int], total: int
) -> None:
    answer = api.get(address(job, f"/compare?a=0&b=1&{query}"))

    assert lines(answer) == expected
    assert answer.json()["total"] == total


def test_a_job_without_test_functions_has_rows_in_their_order(
    api: APIClient, project: Project, actor: Actor
) -> None:
    job = make_job(project=project, actor=actor)
    make_tested_rows(job, 0, [0.5, 1.0])
    TrainingJob.objects.filter(pk=job.pk).update(test_functions=[])

    assert lines(api.get(address(job, "/0/rows?order=best"))) == [1, 2]
    answer = api.get(address(job, "/compare?b=0"))
    assert (answer.status_code, answer.json()["error"][:35]) == (400, "This job has no test functions, so ")


@pytest.mark.parametrize("page", PAGES)
def test_who_may_not(
    other_api: APIClient, anonymous_api: APIClient, api: APIClient, job: TrainingJob, page: str
) -> None:
    answer = other_api.get(address(job, page))
    assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")
    assert anonymous_api.get(address(job, page)).status_code == 401
    assert api.post(address(job, page), {}, format="json").status_code == 405
