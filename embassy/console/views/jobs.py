"""Training jobs: the list, one job live, its curve, its test rows, and what can be done with it."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect

from embassy.console import selectors as console
from embassy.console.presenters.events import log_line
from embassy.console.presenters.scores import score_lines
from embassy.console.presenters.tested_rows import tested_rows
from embassy.console.views.page import ProjectPage
from embassy.platform.errors import NotFound
from embassy.platform.storage import get_storage
from embassy.training import selectors, services
from embassy.training.models import TrainingJob
from embassy.training.states import UNFINISHED, JobStatus

PER_PAGE = 50
SORTED_ROWS, SHOWN_ROWS = 2000, 30


class JobList(ProjectPage):
    scope = "training"
    tab = "jobs"

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        rows = selectors.jobs_of(self.actor, self.project).order_by("-id")
        jobs = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
        moving = any(job.status in UNFINISHED for job in jobs)
        return self.page("console/jobs.html", jobs=jobs, moving=moving)


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
        functions = list(job.test_functions)
        checkpoints = list(selectors.checkpoints_of(job))
        lines = score_lines(functions, checkpoints, selectors.results_of(job))
        return self.page(
            template,
            job=job,
            unfinished=job.status in UNFINISHED,
            deployable=job.status not in UNFINISHED,
            step=step.data if step else {},
            eta=step.data.get("eta_seconds") if step and job.status == JobStatus.RUNNING else None,
            functions=functions,
            lines=lines,
            log=[log_line(event) for event in console.newest_events(job)],
            deployments=console.deployments_of_job(job),
        )


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


class JobLosses(JobPage):
    def get(self, request: HttpRequest, **ids: str) -> JsonResponse:
        points = list(selectors.losses_of(self.job).values_list("step", "loss", "learning_rate"))
        names = ("steps", "losses", "learning_rates")
        columns = zip(*points, strict=True) if points else ((), (), ())
        shown = {name: list(column) for name, column in zip(names, columns, strict=True)}
        return JsonResponse(shown | {"is_finished": self.job.status not in UNFINISHED})


class JobRows(JobPage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        number, best_first = int(self.kwargs["number"]), request.GET.get("order") == "best"
        results = {result.number: result for result in selectors.results_of(self.job)}
        if number not in results:
            raise NotFound("This checkpoint has not been tested.")
        rows = selectors.result_rows(results[number], limit=SORTED_ROWS)
        base = results.get(0) if number else None
        base_rows = selectors.result_rows(base, limit=SORTED_ROWS) if base else []
        shown = tested_rows(rows, base_rows, best_first=best_first, count=SHOWN_ROWS)
        return self.page(
            "console/_rows.html",
            job=self.job,
            number=number,
            rows=shown,
            total=results[number].rows,
            best_first=best_first,
            download=_results_url(self.job, number, results[number].rows_key),
        )


class DownloadCheckpoint(JobPage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        checkpoint = selectors.get_checkpoint(self.job, int(self.kwargs["number"]))
        filename = f"{self.job.name}-checkpoint-{checkpoint.number}.tar.gz"
        return redirect(get_storage().presigned_get(checkpoint.archive_key, filename=filename))


class CancelJob(JobPage):
    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        services.cancel_training_job(job=self.job, actor=self.actor)
        return redirect("console:job", self.project.public_id, self.job.public_id)


class DeleteJob(JobPage):
    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        services.delete_training_job(job=self.job, actor=self.actor)
        messages.success(request, f"The training job {self.job.name} has been deleted.")
        return redirect("console:jobs", self.project.public_id)


def _results_url(job: TrainingJob, number: int, key: str) -> str:
    return get_storage().presigned_get(key, filename=f"{job.name}-checkpoint-{number}-results.jsonl")
