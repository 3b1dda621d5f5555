"""Data sets: upload without the API's limit, the report on a bad file, the first rows of a good one."""

from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from embassy.console.presenters.rows import shown_row
from embassy.console.views.page import ProjectPage
from embassy.datasets import selectors, services
from embassy.datasets.models import Dataset
from embassy.platform.errors import InvalidInput

PER_PAGE = 50
PREVIEW_ROWS = 20


class DatasetList(ProjectPage):
    scope = "datasets"
    tab = "datasets"

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        return self.listing()

    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        try:
            dataset = self.upload(request)
        except InvalidInput as error:
            return self.report(error)
        messages.success(
            request, f"{dataset.name} is uploaded: {dataset.row_count} rows, all of them in order."
        )
        return self.go("console:dataset", self.project.public_id, dataset.public_id)

    def upload(self, request: HttpRequest) -> Dataset:
        file = request.FILES.get("file")
        if not isinstance(file, UploadedFile) or file.file is None:
            raise InvalidInput("Choose a file: CSV or JSON lines.")
        return services.create_dataset(
            project=self.project,
            file=file.file,  # type: ignore[arg-type]
            file_name=file.name or "dataset",
            name=request.POST.get("name"),
            actor=self.actor,
        )

    def report(self, error: InvalidInput) -> HttpResponse:
        problems = error.details if isinstance(error.details, list) else []
        shown = {"error": error, "problems": problems}
        if self.is_partial:
            return self.page("console/_report.html", status=error.status, **shown)
        return self.listing(status=error.status, **shown)

    def listing(self, *, status: int = 200, **context: Any) -> HttpResponse:
        rows = selectors.datasets_in(self.actor, self.project).order_by("-id")
        datasets = Paginator(rows, PER_PAGE).get_page(self.request.GET.get("page"))
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
        rows = [shown_row(row) for row in selectors.preview(self.dataset, PREVIEW_ROWS)]
        return self.page("console/dataset.html", dataset=self.dataset, rows=rows)


class DownloadDataset(DatasetPage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        return redirect(selectors.download_url(self.dataset))


class DeleteDataset(DatasetPage):
    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        services.delete_dataset(dataset=self.dataset, actor=self.actor)
        messages.success(request, f"The data set {self.dataset.name} has been deleted.")
        return redirect("console:datasets", self.project.public_id)
