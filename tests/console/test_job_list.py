"""Jobs found, sorted and paged."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from embassy.projects.models import Project
from embassy.training.models import Checkpoint, TestResult, TrainingJob
from embassy.training.states import JobStatus
from tests.factories.deployments import make_job


@pytest.fixture
def address(home: str) -> str:
    return f"{home}/jobs"


def scored(project: Project, name: str, score: float | None, **columns: object) -> TrainingJob:
    """A job with a best checkpoint, and what its test function gave that one."""
    job = make_job(project, name=name, test_functions=["exact_match_shared"], **columns)
    if score is not None:
        Checkpoint.objects.create(
            job=job, number=2, step=1, archive_key="k", sha256="0" * 64, size_bytes=1, best=True
        )
        for number, value in ((1, 0.99), (2, score)):
            TestResult.objects.create(
                job=job, number=number, rows_key="k", rows=1, scores={"exact_match_shared": value}
            )
    return job


def names_in(page: str, *names: str) -> list[str]:
    places = {name: page.find(f">{name}</a>") for name in names}
    return sorted((name for name in names if places[name] >= 0), key=lambda name: places[name])


def test_the_score_of_the_best_checkpoint(member: Client, address: str, project: Project) -> None:
    scored(project, "one", 0.25)

    page = member.get(address).content.decode()

    assert "<strong>0.250</strong>" in page
    assert "exact_match, #2" in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["none", "low", "high"]),
        ("sort=old", ["high", "low", "none"]),
        ("sort=high", ["high", "low", "none"]),
        ("sort=low", ["low", "high", "none"]),
        ("sort=name", ["high", "low", "none"]),
        ("sort=odd", ["none", "low", "high"]),
        ("status=Failed", ["low"]),
        ("technique=DPO", ["high"]),
        ("base_model=other", ["none"]),
        ("q=hig", ["high"]),
        ("q=nothing+at+all", []),
        ("status=odd", ["none", "low", "high"]),
    ],
)
def test_found_and_sorted(
    member: Client, address: str, project: Project, query: str, expected: list[str]
) -> None:
    scored(project, "high", 0.75, technique="DPO")
    scored(project, "low", 0.25, status=JobStatus.FAILED)
    scored(project, "none", None, base_model="other")

    page = member.get(f"{address}?{query}").content.decode()

    assert names_in(page, "high", "low", "none") == expected


def test_a_function_that_was_chosen_to_select(member: Client, address: str, project: Project) -> None:
    job = scored(project, "one", 0.25)
    TrainingJob.objects.filter(pk=job.pk).update(spec={"selection": {"test_function": "other"}})
    TestResult.objects.filter(job=job, number=2).update(scores={"exact_match_shared": 0.25, "other": 0.5})

    assert "<strong>0.500</strong>" in member.get(address).content.decode()


def test_pages_keep_what_was_asked_for(member: Client, address: str, project: Project) -> None:
    for number in range(26):
        make_job(project, name=f"job {number}")

    page = member.get(address, {"sort": "old", "status": "Success"}).content.decode()

    assert "1–25 of 26" in page
    assert "status=Success&amp;sort=old&amp;page=2" in page
    assert "job 25" in member.get(address, {"sort": "old", "page": 2}).content.decode()


def test_more_jobs_need_no_more_queries(member: Client, address: str, project: Project) -> None:
    scored(project, "first", 0.5)
    member.get(address)
    with CaptureQueriesContext(connection) as few:
        member.get(address)
    for number in range(20):
        scored(project, f"job {number}", 0.5)

    with CaptureQueriesContext(connection) as many:
        member.get(address)

    assert len(many) == len(few)


def test_an_empty_list_tells_the_next_step(member: Client, viewer: Client, address: str) -> None:
    assert "Train the first" in member.get(address).content.decode()
    assert "Train the first" not in viewer.get(address).content.decode()
