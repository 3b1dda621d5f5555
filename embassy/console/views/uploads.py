"""Uploads of any size: what the browser's script asks while it sends a file, and the report on a bad one."""

from typing import Any, Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from embassy.console.views.page import ProjectPage
from embassy.datasets.models import Upload
from embassy.datasets.states import WorkStatus
from embassy.datasets.uploads import selectors, services
from embassy.datasets.uploads.check import check_at_once
from embassy.datasets.uploads.report import as_csv, report_lines
from embassy.platform.errors import EmbassyError, InvalidInput, NotFound
from embassy.platform.storage.disposition import attachment

SHOWN = 10
KINDS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


class UploadList(ProjectPage):
    scope = "datasets"
    tab = "datasets"

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        return self.page("console/_uploads.html", **shown_uploads(self))


class BeginUpload(ProjectPage):
    """Answers in JSON: a script asks."""

    scope = "datasets"

    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        form = request.POST
        size = form.get("size", "")
        if not (size.isascii() and size.isdigit()):
            raise InvalidInput("size: a whole number of bytes is wanted.")
        upload = services.begin_upload(
            project=self.project,
            file_name=form.get("file_name", ""),
            size=int(size),
            identity=form.get("identity", ""),
            name=form.get("name"),
            actor=self.actor,
        )
        return JsonResponse(facts(upload), status=201)

    def refuse(self, error: EmbassyError) -> HttpResponse:
        return refused(error)


class UploadPage(ProjectPage):
    """One that is about a single upload."""

    scope = "datasets"
    tab = "datasets"
    upload: Upload

    def enter(self) -> None:
        super().enter()
        self.upload = selectors.get_upload(self.actor, self.project, self.kwargs["upload_id"])


class JsonUploadPage(UploadPage):
    def refuse(self, error: EmbassyError) -> HttpResponse:
        return refused(error)


class UploadDetail(JsonUploadPage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        return JsonResponse(facts(self.upload))


class SignPart(JsonUploadPage):
    def post(self, request: HttpRequest, number: int, **ids: str) -> HttpResponse:
        url = services.sign_part(upload=self.upload, number=number, sha256=request.POST.get("sha256", ""))
        # Our own storage answers under whatever name the browser has found us.
        return JsonResponse({"url": url if settings.S3_BUCKET else url.removeprefix(settings.PUBLIC_URL)})


class FinishUpload(JsonUploadPage):
    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        return JsonResponse(facts(check_at_once(services.finish_upload(upload=self.upload))))


class CancelUpload(UploadPage):
    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        services.cancel_upload(upload=self.upload)
        return redirect("console:datasets", self.project.public_id)


class UploadReport(UploadPage):
    """What is wrong with the file, as a page or as a part of one."""

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        if self.upload.status != WorkStatus.REFUSED:
            raise NotFound("There is no report on this file.")
        template = "console/_report.html" if self.is_partial else "console/dataset_report.html"
        return self.page(template, **report_of(self.upload))


class DownloadReport(UploadPage):
    ending: Literal["csv", "jsonl"] = "csv"

    def get(self, request: HttpRequest, **ids: str) -> HttpResponseBase:
        lines = report_lines(self.upload)
        content = as_csv(lines) if self.ending == "csv" else lines
        name = f"{self.upload.name} problems.{self.ending}"
        return StreamingHttpResponse(
            content, content_type=KINDS[self.ending], headers={"Content-Disposition": attachment(name)}
        )


def facts(upload: Upload) -> dict[str, Any]:
    """What the script needs to go on, from any point."""
    ids = (upload.project.public_id, upload.public_id)
    return {
        "id": upload.public_id,
        "status": upload.status,
        "reason": upload.reason,
        "size": upload.size,
        "part_bytes": upload.part_bytes,
        "part_count": upload.part_count,
        "parts": services.stored_parts(upload),
        "done_bytes": upload.done_bytes,
        "done_rows": upload.done_rows,
        "address": reverse("console:upload", args=ids),
        "report": reverse("console:upload-report", args=ids),
        "dataset": reverse("console:dataset", args=(ids[0], upload.dataset.public_id))
        if upload.dataset
        else None,
    }


def report_of(upload: Upload) -> dict[str, Any]:
    """What the template of a report wants."""
    return {"upload": upload, "report": upload.report, "problems": upload.report.get("problems", [])}


def shown_uploads(page: ProjectPage) -> dict[str, Any]:
    uploads = list(selectors.unfinished_in(page.actor, page.project)[:SHOWN])
    return {"uploads": uploads, "is_moving": any(upload.is_checking for upload in uploads)}


def refused(error: EmbassyError) -> HttpResponse:
    return JsonResponse({"error": error.message, "code": error.code}, status=error.status)
