"""Data sets: the list with uploads on their way, and a page for each."""

from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from embassy.console.dataset_uses import jobs_trained_on
from embassy.console.presenters.dataset_figures import figures_of
from embassy.console.presenters.dataset_rows import RowsPage, Wanted, rows_page
from embassy.console.views.page import ProjectPage
from embassy.console.views.uploads import report_of, shown_uploads
from embassy.datasets import selectors, services
from embassy.datasets.analyses import services as analyses
from embassy.datasets.models import AnalysisKind, Dataset, Upload
from embassy.datasets.states import WorkStatus
from embassy.datasets.uploads import services as uploads
from embassy.datasets.uploads.check import check_at_once
from embassy.platform.errors import InvalidInput
from embassy.training import token_lengths
from embassy.training.row_views.reader import READINGS, readers_models

PER_PAGE = 25
MOST_OTHERS = 100  # data sets to compare with, in one list


class DatasetList(ProjectPage):
    scope = "datasets"
    tab = "datasets"

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        return self.listing()

    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        """A whole file by a plain form: for browsers without scripts."""
        try:
            upload = self.upload(request)
        except InvalidInput as error:
            return self.report(error.status, error=error)
        if upload.status == WorkStatus.REFUSED:
            return self.report(400, **report_of(upload))
        if upload.dataset is None:
            messages.success(request, f"{upload.file_name} is here. It is being checked row by row.")
            return self.go("console:datasets", self.project.public_id)
        dataset = upload.dataset
        messages.success(
            request, f"{dataset.name} is uploaded: {dataset.row_count} rows, all of them in order."
        )
        return self.go("console:dataset", self.project.public_id, dataset.public_id)

    def upload(self, request: HttpRequest) -> Upload:
        file = request.FILES.get("file")
        if not isinstance(file, UploadedFile) or file.file is None:
            raise InvalidInput("Choose a file: CSV or JSON lines.")
        upload = uploads.store_file(
            project=self.project,
            file=file.file,  # type: ignore[arg-type]
            file_name=file.name or "dataset",
            size=file.size or 0,
            name=request.POST.get("name"),
            actor=self.actor,
        )
        return check_at_once(upload)

    def report(self, status: int, **shown: Any) -> HttpResponse:
        if self.is_partial:
            return self.page("console/_report.html", status=status, **shown)
        return self.listing(status=status, has_report=True, **shown)

    def listing(self, *, status: int = 200, **context: Any) -> HttpResponse:
        rows = selectors.datasets_in(self.actor, self.project).order_by("-id")
        datasets = Paginator(rows, PER_PAGE).get_page(self.request.GET.get("page"))
        context = shown_uploads(self) | context
        return self.page("console/datasets.html", status=status, datasets=datasets, **context)


class DatasetPage(ProjectPage):
    """One that is about a single data set."""

    scope = "datasets"
    tab = "datasets"
    dataset: Dataset

    def enter(self) -> None:
        super().enter()
        self.dataset = selectors.get_dataset(self.actor, self.project, self.kwargs["dataset_id"])


class DatasetDetail(DatasetPage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        return self.page(
            "console/dataset.html",
            dataset=self.dataset,
            rows=self.rows(request),
            figures=figures_of(self.dataset),
            others=selectors.datasets_in(self.actor, self.project).exclude(pk=self.dataset.pk)[:MOST_OTHERS],
            jobs=jobs_trained_on(self.dataset),
            models=readers_models(READINGS[self.dataset.kind][0]),
        )

    def rows(self, request: HttpRequest) -> RowsPage:
        return rows_page(self.dataset, Wanted.of(request.GET))


class DatasetFigures(DatasetPage):
    """The part of the page that changes while something is found out."""

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        return self.page(
            "console/_dataset_figures.html", dataset=self.dataset, figures=figures_of(self.dataset)
        )


class AnalyseDataset(DatasetPage):
    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        kind, subject = request.POST.get("kind", ""), request.POST.get("subject", "")
        if kind == AnalysisKind.ROWS:
            analyses.begin_rows(self.dataset)
        elif kind == AnalysisKind.LEAKS:
            other = selectors.get_dataset(self.actor, self.project, subject)
            analyses.begin_leaks(dataset=self.dataset, other=other)
        elif kind == AnalysisKind.TOKENS:
            token_lengths.begin(dataset=self.dataset, base_model=subject)
        else:
            raise InvalidInput("kind: rows, leaks or tokens.")
        address = redirect("console:dataset", self.project.public_id, self.dataset.public_id)
        address["Location"] += "#figures"
        return address


class DownloadDataset(DatasetPage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        return redirect(selectors.download_url(self.dataset))


class DeleteDataset(DatasetPage):
    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        services.delete_dataset(dataset=self.dataset, actor=self.actor)
        messages.success(request, f"The data set {self.dataset.name} has been deleted.")
        return redirect("console:datasets", self.project.public_id)
