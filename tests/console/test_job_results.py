"""The parts of a job's page that tell how it went."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training.models import Checkpoint, JobEvent, TrainingJob
from embassy.training.states import JobStatus
from tests.factories.training import make_checkpoint, make_job, make_tested_rows

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def job(project: Project, actor: Actor) -> TrainingJob:
    job = make_job(
        project=project, actor=actor, train_test_split_ratio=20, test_functions=("exact_match_shared",)
    )
    make_checkpoint(job, 1)
    make_tested_rows(job, 0, [0.0, 1.0] + [0.5] * 30)
    make_tested_rows(job, 1, [1.0, 0.0] + [0.5] * 29 + [None])
    TrainingJob.objects.filter(pk=job.pk).update(status=JobStatus.SUCCESS)
    return job


@pytest.fixture
def address(home: str, job: TrainingJob) -> str:
    return f"{home}/jobs/{job.public_id}"


def text(answer: Any) -> str:
    assert answer.status_code == 200, answer.content
    return str(answer.content.decode())


def note(job: TrainingJob, kind: str, **data: Any) -> None:
    JobEvent.objects.create(job=job, kind=kind, at=NOW, data=data)


def test_the_best_is_marked(member: Client, address: str, job: TrainingJob) -> None:
    assert "bg-green-lt" not in text(member.get(address))

    Checkpoint.objects.filter(job=job).update(best=True, parity={"status": "failed", "reason": "It differs."})

    page = text(member.get(address))
    assert 'title="The best by exact_match_shared; of equals the earliest">best</span>' in page
    assert "parity failed" in page
    assert "The best by exact_match_shared." in page


def test_a_checkpoint_that_was_not_kept(member: Client, address: str, job: TrainingJob) -> None:
    job.checkpoints.all().delete()

    page = text(member.get(address))

    assert "not kept" in page
    assert "&checkpoint=1" not in page
    assert "rows/1" in page


def test_rows_are_paged_and_ordered(member: Client, address: str) -> None:
    first = text(member.get(f"{address}/rows/1", headers=HTMX))
    assert "32 rows, worst first" in first
    assert "Page 1 of 2" in first
    assert first.index("answer 32 of 1") < first.index("answer 2 of 1") < first.index("answer 3 of 1")
    assert "ValueError: no" in first
    assert "answer 2 of 0" in first  # what the base model said
    assert "answer 1 of 1<" not in first

    last = text(member.get(f"{address}/rows/1?page=2", headers=HTMX))
    assert "answer 1 of 1<" in last
    best = text(member.get(f"{address}/rows/1?order=best&by=exact_match_shared", headers=HTMX))
    assert best.index("answer 1 of 1<") < best.index("answer 3 of 1")


def test_failed_rows_alone(member: Client, address: str) -> None:
    page = text(member.get(f"{address}/rows/1?show=failed", headers=HTMX))

    assert "1 row without a score" in page
    assert "answer 32 of 1" in page
    assert "answer 2 of 1" not in page


def test_odd_queries_are_taken_for_the_usual_ones(member: Client, address: str) -> None:
    assert "worst first" in text(member.get(f"{address}/rows/1?order=odd&page=x", headers=HTMX))
    assert "There are no such rows." in text(member.get(f"{address}/rows/1?page=99", headers=HTMX))
    assert member.get(f"{address}/rows/1?by=none_such", headers=HTMX).status_code == 400


def test_labels_have_a_matrix(member: Client, address: str, job: TrainingJob) -> None:
    figures = {"precision": 0.5, "recall": 0.25, "f1": 0.333, "rows": 4}
    job.test_results.filter(number=1).update(
        metrics={
            "values": {"accuracy": 0.75, "f1_macro": 0.5},
            "confusion": {"labels": ["cat", "dog"], "counts": [[3, 1], [0, 4]]},
            "per_label": {"cat": figures, "dog": figures},
        }
    )

    rows = text(member.get(f"{address}/rows/1", headers=HTMX))

    assert 'class="right-7">3<' in rows
    assert 'class="wrong-3">1<' in rows
    assert "0.333" in rows
    assert "F1, mean of labels" in text(member.get(address))


def test_comparison(member: Client, address: str) -> None:
    page = text(member.get(f"{address}/compare", headers=HTMX))

    assert "1 better" in page
    assert "2 worse" in page
    assert "29 the same" in page
    assert page.index("answer 1 of 0") < page.index("answer 2 of 0") < page.index("answer 32 of 0")
    worse = text(member.get(f"{address}/compare?a=0&b=1&show=worse", headers=HTMX))
    assert "answer 1 of 0" not in worse
    assert "No row changed." in text(member.get(f"{address}/compare?a=1&b=1", headers=HTMX))
    assert member.get(f"{address}/compare?b=9", headers=HTMX).status_code == 404


def test_warnings_and_what_was_known_before(member: Client, address: str, job: TrainingJob) -> None:
    for _ in range(2):
        note(job, "warning", code="no_reward_signal", message="Rewards are all <alike>.")
    note(job, "preflight", rows=1234, untrainable_rows=1, untrainable=[{"line": 9, "problem": "cut_off"}])

    page = text(member.get(address))

    assert page.count('<div class="text-break">Rewards are all &lt;alike&gt;.') == 1
    assert "1,234" in page
    assert "line 9: answer cut off" in page


def test_curves(member: Client, address: str, job: TrainingJob) -> None:
    note(job, "eval", step=4, loss=0.5)
    note(job, "step", step=3, loss=0.4, metrics={"reward": 0.25})

    curves = member.get(f"{address}/curves").json()

    assert (curves["tests"]["steps"], curves["tests"]["columns"]["loss"]) == ([4], [0.5])
    assert curves["training"]["columns"] == {"loss": [0.4], "reward": [0.25]}
    assert [chart["title"] for chart in curves["charts"]] == ["Loss", "Reward"]


def test_live_figures(member: Client, address: str, job: TrainingJob) -> None:
    TrainingJob.objects.filter(pk=job.pk).update(status=JobStatus.RUNNING)
    step = {"step": 1, "epoch": 0.1, "loss": 2.0, "learning_rate": 0.00012345, "rss_bytes": 3 * 1024**3}
    note(job, "step", **step, tokens_per_second=1234.5)

    page = text(member.get(f"{address}/live", headers=HTMX))

    assert "0.000123" in page
    assert "3.0" in page
    assert "1,23" in page


def test_files_of_a_checkpoint(member: Client, viewer: Client, address: str) -> None:
    page = text(member.get(f"{address}/checkpoints/1/artifacts", headers=HTMX))
    assert "Adapter" in page
    assert "Make it" in page
    assert "Make it" not in text(viewer.get(f"{address}/checkpoints/1/artifacts", headers=HTMX))

    made = text(member.post(f"{address}/checkpoints/1/merge", headers=HTMX))
    assert "being made" in made
    evidence = member.get(f"{address}/checkpoints/1/evidence")
    assert evidence.json()["format"] == 1
    assert "attachment" in evidence.headers["Content-Disposition"]
    assert viewer.post(f"{address}/checkpoints/1/merge").status_code == 403


@pytest.mark.parametrize(
    "tail",
    [
        "/rows/1",
        "/compare",
        "/curves",
        "/events",
        "/log",
        "/checkpoints/1/artifacts",
        "/checkpoints/1/evidence",
    ],
)
def test_of_another_organization(outsider: Client, address: str, tail: str) -> None:
    assert outsider.get(f"{address}{tail}").status_code == 404
