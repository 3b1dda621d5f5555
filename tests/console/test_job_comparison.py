"""Two to four jobs over each other."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from embassy.platform.storage import get_storage
from embassy.projects.models import Project
from embassy.training.models import TestResult, TrainingJob
from tests.factories.deployments import make_checkpoint, make_job
from tests.factories.projects import make_project

HTMX = {"HX-Request": "true"}


@pytest.fixture
def address(home: str) -> str:
    return f"{home}/jobs/compare"


def answered(project: Project, name: str, answers: dict[str, str], **columns: Any) -> TrainingJob:
    """A job whose best checkpoint answered these questions; to all of them "yes" was expected."""
    parameters = {"lora_r": 16, "seed": 0} | columns.pop("parameters", {})
    job = make_job(
        project, name=name, test_functions=["exact_match_shared"], parameters=parameters, **columns
    )
    make_checkpoint(job, 1, best=True)
    rows = [
        {
            "line": line,
            "input_text": question,
            "expected_output": "yes",
            "predicted_output": answer,
            "scores": {"exact_match_shared": float(answer == "yes")},
        }
        for line, (question, answer) in enumerate(answers.items(), 1)
    ]
    key = f"{job.prefix}tests/1.jsonl"
    get_storage().put(key, b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    score = sum(answer == "yes" for answer in answers.values()) / len(answers)
    TestResult.objects.create(
        job=job, number=0, rows_key=key, rows=len(rows), scores={"exact_match_shared": 0}
    )
    TestResult.objects.create(
        job=job, number=1, rows_key=key, rows=len(rows), scores={"exact_match_shared": score}
    )
    return job


Ask = Callable[..., str]


@pytest.fixture
def ask(member: Client, address: str) -> Ask:
    def ask(jobs: list[TrainingJob], tail: str = "", **query: str) -> str:
        answer = member.get(address + tail, {"job": [job.public_id for job in jobs]} | query, headers=HTMX)
        assert answer.status_code == 200, answer.content
        return str(answer.content.decode())

    return ask


@pytest.fixture
def jobs(project: Project) -> list[TrainingJob]:
    return [
        answered(project, "first", {"Is it?": "yes", "Really?": "no", "Only here?": "yes"}),
        answered(project, "second", {"Really?": "yes", "Is it?": "yes"}, parameters={"lora_r": 4}),
    ]


def test_scores_with_the_best_marked(ask: Ask, jobs: list[TrainingJob]) -> None:
    page = ask(jobs)

    assert '<span class="best">1.000</span>' in page
    assert "0.667" in page
    assert "+0.667" in page
    assert f"jobs/{jobs[0].public_id}/curves" in page


def test_what_differs(ask: Ask, jobs: list[TrainingJob]) -> None:
    page = ask(jobs)

    assert '<tr class="differs"><th scope="row">lora_r</th>' in page
    assert '<tr class="alike"><th scope="row">seed</th>' in page


def test_the_same_row_side_by_side(ask: Ask, jobs: list[TrainingJob]) -> None:
    different = ask(jobs, "/rows")
    every = ask(jobs, "/rows", show="all")

    assert "2 test rows in common" in different
    assert "Really?" in different
    assert "Is it?" not in different
    assert "Is it?" in every
    assert "Only here?" not in every


def test_rows_are_searched(ask: Ask, jobs: list[TrainingJob]) -> None:
    assert "Is it?" in ask(jobs, "/rows", show="all", q="IS IT")
    assert "No row says so." in ask(jobs, "/rows", show="all", q="nothing")
    assert "Really?" in ask(jobs, "/rows", show="worse")


def test_jobs_tested_on_other_rows(ask: Ask, project: Project, jobs: list[TrainingJob]) -> None:
    other = answered(project, "third", {"What else?": "yes"})

    assert "tested on different rows" in ask([jobs[0], other], "/rows")


def test_matrices_of_labels(ask: Ask, jobs: list[TrainingJob]) -> None:
    assert "data-matrices" not in ask(jobs)
    confusion = {"labels": ["cat", "dog"], "counts": [[3, 1], [0, 4]]}
    TestResult.objects.filter(number=1).update(metrics={"values": {}, "confusion": confusion})

    page = ask(jobs)

    assert "7 of 8 right" in page
    assert '"cells": [[0, 0, 3, 0.75], [1, 0, 1, 0.25], [1, 1, 4, 1.0]]' in page


def test_jobs_that_have_not_been_tested(
    member: Client, address: str, ask: Ask, project: Project, jobs: list[TrainingJob]
) -> None:
    new = make_job(project, name="new")

    assert "not tested" in ask([jobs[0], new])
    query = {"job": [jobs[0].public_id, new.public_id]}
    assert member.get(f"{address}/rows", query, headers=HTMX).status_code == 400


def test_how_many_may_be_compared(
    member: Client, address: str, project: Project, jobs: list[TrainingJob]
) -> None:
    one = jobs[0].public_id
    many = [make_job(project).public_id for _ in range(4)]

    assert "Choose 2 to 4" in member.get(address, {"job": [one, one]}).content.decode()
    assert member.get(address, {"job": [one, *many]}).status_code == 400
    assert member.get(address, {"job": [one, *many[:3]]}).status_code == 200
    assert member.get(address, {"job": [one, "tr-nothing"]}).status_code == 404


def test_jobs_of_other_projects_and_organizations(
    member: Client, outsider: Client, address: str, actor: Any, jobs: list[TrainingJob]
) -> None:
    elsewhere = make_job(make_project(actor, name="elsewhere"))
    assert member.get(address, {"job": [jobs[0].public_id, elsewhere.public_id]}).status_code == 404
    assert outsider.get(address, {"job": [job.public_id for job in jobs]}).status_code == 404


def test_four_jobs_need_as_many_queries_as_two(ask: Ask, project: Project, jobs: list[TrainingJob]) -> None:
    ask(jobs)
    with CaptureQueriesContext(connection) as two:
        ask(jobs)
    more = [answered(project, f"more {number}", {"Is it?": "no"}) for number in range(2)]

    with CaptureQueriesContext(connection) as four:
        ask([*jobs, *more])

    assert len(four) == len(two)
