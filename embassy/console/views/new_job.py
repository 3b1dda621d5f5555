"""The form that creates a training job."""

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect

from embassy.catalog.selectors import list_base_models
from embassy.console import job_form
from embassy.console.views.page import ProjectPage
from embassy.datasets.selectors import datasets_in
from embassy.evaluation import registry
from embassy.platform.errors import EmbassyError
from embassy.training.services import create_training_job


class NewJob(ProjectPage):
    scope = "training"
    tab = "jobs"

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        data = request.GET.copy()
        data.setdefault("base_model", list_base_models()[0].name)
        data.setdefault("train_dataset_id", data.get("dataset", ""))
        data.setdefault("tests", "split")
        data.setdefault("split", "20")
        if "test_functions" not in data:
            data.setlist("test_functions", list(registry.DEFAULTS))
        return self.form(data)

    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        try:
            job = create_training_job(
                project=self.project, request=job_form.request_of(request.POST), actor=self.actor
            )
        except EmbassyError as error:
            return self.form(request.POST, error)
        return redirect("console:job", self.project.public_id, job.public_id)

    def form(self, data: QueryDict, error: EmbassyError | None = None) -> HttpResponse:
        functions = registry.list_functions(self.actor)
        return self.page(
            "console/new_job.html",
            status=error.status if error else 200,
            error=error,
            data=data,
            own=job_form.OWN,
            base_models=list_base_models(),
            finished_jobs=job_form.finished_jobs(self.actor, self.project),
            kinds=job_form.kinds_of_training(),
            datasets=datasets_in(self.actor, self.project).order_by("-id"),
            functions=[
                (f.name, f.name in data.getlist("test_functions"), data.get(f"w.{f.name}", ""))
                for f in functions
            ],
            fields=job_form.fields_of(self.actor, self.project, data),
        )


class JobParameters(ProjectPage):
    """The parameters of another base model, or of another kind of training."""

    scope = "training"

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        fields = job_form.fields_of(self.actor, self.project, request.GET)
        return self.page("console/_parameters.html", fields=fields)
