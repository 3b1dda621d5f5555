"""One training job live, and what can be done with it."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from embassy.console import selectors as console
from embassy.console.presenters.events import log_line
from embassy.console.presenters.job_parameters import parameters_of
from embassy.console.presenters.preflight import actual_of, facts_of, problems_of
from embassy.console.presenters.scores import metric_rows
from embassy.console.presenters.stages import stages_of
from embassy.console.views.page import ProjectPage
from embassy.platform.storage import get_storage
from embassy.training import pauses, selectors, services, waiting
from embassy.training.models import TrainingJob
from embassy.training.score_table import ScoreTable, table_of
from embassy.training.selection import Selection
from embassy.training.states import UNFINISHED, JobStatus, TaskType
from embassy.training.stream import feed, frames


class JobPage(ProjectPage):
    """One that is about a single job."""

    scope = "training"
    tab = "jobs"
    job: TrainingJob

    def enter(self) -> None:
        super().enter()
        self.job = selectors.get_job(self.actor, self.project, self.kwargs["job_id"])

    def job_page(self, template: str) -> HttpResponse:
        job, step = self.job, console.last_step(self.job)
        stages = stages_of(job, step)
        training = any(stage.name == "Training" and stage.state == "now" for stage in stages)
        eta = step.data.get("eta_seconds") if step and training else None
        preflight, table = console.preflight_of(job), table_of(job)
        waits = job.status == JobStatus.PENDING
        return self.page(
            template,
            job=job,
            unfinished=job.status in UNFINISHED,
            deployable=job.status not in UNFINISHED,
            step=step.data if step else {},
            eta=eta,
            stages=stages,
            place=waiting.place_in_queue(job) if waits else None,
            being_trained=waiting.being_trained() if waits else 0,
            table=table,
            tested=sum(line.result is not None for line in table.lines),
            metric_rows=metric_rows(table),
            selection=Selection.of(job.spec),
            preflight=facts_of(preflight, seconds=seconds_of(job, eta)) if preflight else [],
            actual=actual_of(job, step.data if step else {}),
            parameters=parameters_of(job, _used(table)),
            untrainable=problems_of(preflight) if preflight else [],
            warnings=console.warnings_of(job),
            log=[log_line(event) for event in console.newest_events(job)],
            deployments=console.deployments_of_job(job),
        )

    def page(self, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        # An error page may be about the job itself not being there.
        job = getattr(self, "job", None)
        title = base_title(job.task_type) if job else ""
        return super().page(template, status=status, **({"base_title": title} | context))


class JobDetail(JobPage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        return self.job_page("console/job.html")


class JobLive(JobPage):
    """The parts of a job's page that change while it runs. Once it has ended, the page itself comes anew."""

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        answer = self.job_page("console/_job_live.html")
        if self.job.status not in UNFINISHED:
            answer["HX-Refresh"] = "true"
        return answer


class JobEvents(JobPage):
    """The stream for a server that has nothing but Django; under `embassy.asgi` see `job_stream`."""

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        after = request.headers.get("Last-Event-ID") or request.GET.get("after", "")
        chapter = feed.read(self.job, int(after) if after.isdecimal() else 0)
        content = frames.OPENING + frames.frames(chapter.events)
        headers = frames.HEADERS | {"Cache-Control": "no-store"}
        return HttpResponse(content, content_type=frames.CONTENT_TYPE, headers=headers)


class DownloadCheckpoint(JobPage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        checkpoint = selectors.get_checkpoint(self.job, int(self.kwargs["number"]))
        filename = f"{self.job.name}-checkpoint-{checkpoint.number}.tar.gz"
        return redirect(get_storage().presigned_get(checkpoint.archive_key, filename=filename))


class CancelJob(JobPage):
    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        services.cancel_training_job(job=self.job, actor=self.actor)
        return redirect("console:job", self.project.public_id, self.job.public_id)


class PauseJob(JobPage):
    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        pauses.pause_training_job(job=self.job, actor=self.actor)
        return redirect("console:job", self.project.public_id, self.job.public_id)


class ResumeJob(JobPage):
    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        pauses.resume_training_job(job=self.job, actor=self.actor)
        return redirect("console:job", self.project.public_id, self.job.public_id)


class DeleteJob(JobPage):
    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        services.delete_training_job(job=self.job, actor=self.actor)
        messages.success(request, f"The training job {self.job.name} has been deleted.")
        return redirect("console:jobs", self.project.public_id)


def _used(table: ScoreTable) -> Mapping[str, Any] | None:
    """The parameters that the newest checkpoint was made with."""
    kept = [line.checkpoint for line in table.lines if line.checkpoint]
    return kept[-1].evidence.get("parameters") if kept else None


def base_title(task_type: str) -> str:
    """What stands for the base model where that has no head: the answer that is right most often."""
    return "Baseline" if task_type in (TaskType.CLASSIFICATION, TaskType.REGRESSION) else "Base model"


def seconds_of(job: TrainingJob, eta: float | None) -> float | None:
    """Of the whole training; None while nobody can tell."""
    if eta is not None:
        return job.seconds_used + eta
    return job.seconds_used if job.trained_at or job.status not in UNFINISHED else None
