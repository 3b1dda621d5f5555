"""The form that creates a training job, with the parts of it that depend on what was chosen."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect

from embassy.catalog.selectors import list_base_models
from embassy.console import job_copy, job_form
from embassy.console.field_errors import Errors
from embassy.console.job_parameters import base_model_of, fields_of, job_of
from embassy.console.presenters import job_choices
from embassy.console.presenters.functions import cards_of
from embassy.console.presenters.job_problems import problems_of
from embassy.console.presenters.preflight import estimated_facts, estimated_problems
from embassy.console.views.page import ProjectPage
from embassy.datasets.models import Dataset
from embassy.datasets.selectors import datasets_in
from embassy.evaluation import registry
from embassy.platform.errors import EmbassyError
from embassy.training.models import Checkpoint, TrainingJob
from embassy.training.preflight.estimate import estimate
from embassy.training.requests import HF_MODEL
from embassy.training.selectors import checkpoints_of, get_job, jobs_of, jobs_visible_to
from embassy.training.services import create_training_job
from embassy.training.states import ACTIVE, JobStatus

MOST_JOBS = 20  # to go on from; a search finds the others
MOST_DATASETS = 200
AUTOMATIC_BYTES = 50_000_000  # of data sets; what takes longer to read is estimated when asked for


class JobFormPage(ProjectPage):
    scope = "training"
    tab = "jobs"

    def starts(self, data: QueryDict) -> dict[str, Any]:
        """The jobs to go on from, and the checkpoints of the chosen one."""
        chosen = job_of(self.actor, self.project, data.get("base_model", ""))
        found = self.jobs_with_checkpoints(data.get("find", "").replace("\0", ""))
        jobs = list(found[:MOST_JOBS])
        if chosen is not None and chosen not in jobs:
            jobs.insert(0, chosen)
        checkpoints = checkpoints_of(chosen).order_by("-number") if chosen else Checkpoint.objects.none()
        return {"own": job_form.OWN, "jobs": jobs, "start": chosen, "checkpoints": checkpoints}

    def jobs_with_checkpoints(self, text: str) -> "QuerySet[TrainingJob, TrainingJob]":
        has_any = Exists(Checkpoint.objects.filter(job=OuterRef("pk")))
        jobs = jobs_of(self.actor, self.project).filter(has_any).order_by("-id")
        return jobs.filter(name__icontains=text) if text else jobs


class NewJob(JobFormPage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        earlier = request.GET.get("again")
        data = self.copied(earlier) if earlier else request.GET.copy()
        data.setdefault("base_model", list_base_models()[0].name)
        data.setdefault("train_dataset_id", data.get("dataset", ""))
        data.setdefault("kind", self.usual_kind(data.get("train_dataset_id", "")))
        data.setdefault("tests", "split")
        data.setdefault("split", "20")
        data.setdefault("method", "lora")
        return self.form(data, missing=bool(earlier) and not data.get("train_dataset_id"))

    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        try:
            wanted = job_form.request_of(request.POST)
            job = create_training_job(project=self.project, request=wanted, actor=self.actor)
        except EmbassyError as error:
            return self.form(request.POST, errors=job_form.errors_of(error), status=error.status)
        return redirect("console:job", self.project.public_id, job.public_id)

    def copied(self, public_id: str) -> QueryDict:
        return job_copy.data_of(get_job(self.actor, self.project, public_id))

    def usual_kind(self, dataset_id: str) -> str:
        """What the rows of the data set are for."""
        dataset = datasets_in(self.actor, self.project).filter(public_id=dataset_id).first()
        fitting = (k.value for k in job_choices.kind_choices() if dataset and k.note == dataset.kind)
        return next(fitting, job_form.DEFAULT_KIND)

    def form(
        self, data: QueryDict, *, errors: Errors | None = None, missing: bool = False, status: int = 200
    ) -> HttpResponse:
        listed = list_base_models()
        chosen = base_model_of(data.get("base_model", ""))
        if chosen is not None and chosen.name not in {model.name for model in listed}:
            listed.append(chosen)  # one that a link or an earlier job brought
        return self.page(
            "console/new_job.html",
            status=status,
            errors=errors or {},
            problems=problems_of(errors or {}),
            data=data,
            missing=missing,
            hub=HF_MODEL,
            models=job_choices.model_choices(listed),
            kinds=job_choices.kind_choices(),
            methods=job_choices.method_choices(),
            datasets=self.datasets(data),
            functions=self.functions(data),
            chosen_functions=data.getlist("test_functions"),
            fields=fields_of(self.actor, self.project, data),
            queue=self.queue(),
            **self.starts(data),
        )

    def datasets(self, data: QueryDict) -> list[Dataset]:
        """The newest, and those that are chosen."""
        found = datasets_in(self.actor, self.project).order_by("-id")
        newest = list(found[:MOST_DATASETS])
        known = {dataset.public_id for dataset in newest}
        chosen = {data.get(name, "").replace("\0", "") for name in ("train_dataset_id", "test_dataset_id")}
        return newest + list(found.filter(public_id__in=chosen - known))

    def functions(self, data: QueryDict) -> list[tuple[Any, bool, str]]:
        """Each with whether it is chosen, and its weight; what is chosen comes first, in its order."""
        chosen = {name: place for place, name in enumerate(data.getlist("test_functions"))}
        cards = cards_of(registry.list_functions(self.actor))
        cards.sort(key=lambda card: (chosen.get(card.name, len(chosen)), card.is_built_in))
        return [(card, card.name in chosen, data.get(f"w.{card.name}", "")) for card in cards]

    def queue(self) -> dict[str, int]:
        jobs = jobs_visible_to(self.actor)
        return {
            "running": jobs.filter(status__in=ACTIVE).count(),
            "waiting": jobs.filter(status=JobStatus.PENDING).count(),
        }


class JobParameters(JobFormPage):
    """The parameters of another base model or kind of training, and the checkpoints of another start."""

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        return self.page(
            "console/_job_parameters_live.html",
            data=request.GET,
            fields=fields_of(self.actor, self.project, request.GET),
            **self.starts(request.GET),
        )


class JobStarts(JobFormPage):
    """The jobs to go on from whose names have what was typed."""

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        return self.page("console/_job_starts.html", data=request.GET, **self.starts(request.GET))


class JobEstimate(JobFormPage):
    """What the job would be as the form stands. Creates nothing, but may look a model up elsewhere."""

    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        data = request.POST
        if not data.get("estimate") and self.takes_long(data):
            return self.page("console/_estimate.html", asks=True)
        try:
            found = estimate(project=self.project, request=job_form.request_of(data), actor=self.actor)
        except EmbassyError as error:
            problems = problems_of(job_form.errors_of(error))
            return self.page("console/_estimate.html", status=422, problems=problems)
        return self.page(
            "console/_estimate.html",
            found=found,
            facts=estimated_facts(found),
            untrainable=estimated_problems(found),
        )

    def takes_long(self, data: QueryDict) -> bool:
        if data.get("base_model") == HF_MODEL:
            return True
        ids = [data.get("train_dataset_id", "")]
        ids += [data.get("test_dataset_id", "")] if data.get("tests") == "existing" else []
        found = datasets_in(self.actor, self.project).filter(public_id__in=[i.replace("\0", "") for i in ids])
        return sum(found.values_list("original_bytes", flat=True)) > AUTOMATIC_BYTES
