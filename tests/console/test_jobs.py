from datetime import UTC, datetime

from django.test import Client

from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training.models import JobEvent, TrainingJob
from embassy.training.states import JobStatus
from tests.factories.training import make_checkpoint, make_job, make_result

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_running_job_shows_how_far_it_is(member: Client, home: str, project: Project, actor: Actor) -> None:
    job = make_job(project=project, actor=actor)
    step = {"step": 3, "max_steps": 10, "epoch": 0.3, "loss": 1.25, "eta_seconds": 65.0}
    JobEvent.objects.create(job=job, kind="step", at=NOW, data=step)
    JobEvent.objects.create(job=job, kind="warning", at=NOW, data={"message": "Mind <this>.", "path": "/x"})
    TrainingJob.objects.filter(pk=job.pk).update(status=JobStatus.RUNNING, progress=30)

    answer = member.get(f"{home}/jobs/{job.public_id}/live", headers={"HX-Request": "true"})
    page = answer.content.decode()
    assert "30 %" in page
    assert "3 of 10" in page
    assert "1 min 5 s of training left" in page
    assert "Mind &lt;this&gt;." in page
    assert "/x" not in page
    assert "HX-Refresh" not in answer.headers


def test_the_page_comes_anew_once_the_job_has_ended(
    member: Client, home: str, project: Project, actor: Actor
) -> None:
    job = make_job(project=project, actor=actor)
    assert member.post(f"{home}/jobs/{job.public_id}/cancel").status_code == 302
    assert member.get(f"{home}/jobs/{job.public_id}/live").headers["HX-Refresh"] == "true"
    assert "Cancelled by a user." in member.get(f"{home}/jobs/{job.public_id}").content.decode()
    again = member.post(f"{home}/jobs/{job.public_id}/cancel")
    assert again.status_code == 409
    assert "has ended already" in again.content.decode()


def test_the_curve(member: Client, home: str, project: Project, actor: Actor) -> None:
    job = make_job(project=project, actor=actor)
    address = f"{home}/jobs/{job.public_id}/curves"
    assert member.get(address).json()["training"]["steps"] == []
    for step, loss in ((2, 1.5), (1, 2.0)):
        JobEvent.objects.create(job=job, kind="step", at=NOW, data={"step": step, "loss": loss})
    curve = member.get(address).json()
    assert curve["training"]["steps"] == [1, 2]
    assert curve["training"]["columns"]["loss"] == [2.0, 1.5]
    assert (curve["is_finished"], curve["last"]) == (False, JobEvent.objects.latest("id").pk)


def test_scores_and_rows(member: Client, home: str, project: Project, actor: Actor) -> None:
    job = make_job(
        project=project, actor=actor, train_test_split_ratio=20, test_functions=("exact_match_shared",)
    )
    make_checkpoint(job)
    make_result(job, 0, exact_match_shared=0.25)
    make_result(job, 1, exact_match_shared=1.0)
    page = member.get(f"{home}/jobs/{job.public_id}").content.decode()
    assert "Base model" in page
    assert '<span class="best">1.000</span>' in page
    assert "+0.750" in page

    rows = member.get(f"{home}/jobs/{job.public_id}/rows/1").content.decode()
    assert "What is 1 + 1?" in rows
    assert "row-good" in rows
    assert member.get(f"{home}/jobs/{job.public_id}/rows/7").status_code == 404


def test_downloads_and_deletes(member: Client, home: str, project: Project, actor: Actor) -> None:
    job = make_job(project=project, actor=actor)
    make_checkpoint(job)
    address = f"{home}/jobs/{job.public_id}"
    assert "/files/" in member.get(f"{address}/checkpoints/1/download").headers["Location"]
    assert member.get(f"{address}/checkpoints/2/download").status_code == 404
    assert member.post(f"{address}/delete").headers["Location"] == f"{home}/jobs"
    assert not TrainingJob.objects.exists()


def test_pauses_and_resumes(member: Client, home: str, project: Project, actor: Actor) -> None:
    job = make_job(project=project, actor=actor)
    address = f"{home}/jobs/{job.public_id}"
    assert "/pause" in member.get(address).content.decode()

    assert member.post(f"{address}/pause").status_code == 302

    page = member.get(f"{address}/live", headers={"HX-Request": "true"}).content.decode()
    assert "Paused" in page
    assert "/resume" in page
    assert "/pause" not in page
    assert member.post(f"{address}/pause").status_code == 409
    assert member.post(f"{address}/resume").status_code == 302
    job.refresh_from_db()
    assert job.status == JobStatus.PENDING
