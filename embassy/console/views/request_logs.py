"""Logs on a deployment's page: the switch, the list, one entry, and data sets made of them."""

import orjson
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from embassy.console.views.deployments import DeploymentPage
from embassy.console.views.page import check_scope
from embassy.deployments.services import MAX_LOG_DAYS, change_logging
from embassy.inference.models import RequestLog
from embassy.inference.request_logs import selectors, services
from embassy.inference.request_logs.selectors import LogFilter
from embassy.inference.request_logs.services import DatasetRequest
from embassy.platform.errors import InvalidInput

PER_PAGE = 20
STATUSES = {"": "All", selectors.SUCCESS: "Answered", selectors.ERROR: "Failed"}
MAX_TEXT = 200
DATASET_ROWS = 10_000


class Requests(DeploymentPage):
    """The tab with the logs in it."""

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        return self.deployment_page("console/deployment_requests.html", "requests")


class LogList(DeploymentPage):
    """Newest first. `before` goes on where a page ended."""

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        query = request.GET
        wanted = _filter(request)
        logs, following = selectors.page_of(
            self.deployment, wanted, before=query.get("before") or None, limit=PER_PAGE
        )
        return self.page(
            "console/_request_logs.html",
            deployment=self.deployment,
            logs=logs,
            following=following,
            wanted=wanted,
            statuses=STATUSES,
            is_first="before" not in query,
        )


class LogDetail(DeploymentPage):
    def get(self, request: HttpRequest, log_id: str, **ids: str) -> HttpResponse:
        log = selectors.get_log(self.deployment, log_id)
        return self.page("console/_request_log.html", log=log, bodies=_bodies(log))


class ChangeLogging(DeploymentPage):
    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        days = request.POST.get("days", "")
        if not days.isascii() or not days.isdigit() or not 1 <= int(days) <= MAX_LOG_DAYS:
            raise InvalidInput(f"Keep logs for 1 to {MAX_LOG_DAYS} days.")
        is_on = request.POST.get("log_requests") == "on"
        change_logging(deployment=self.deployment, log_requests=is_on, log_days=int(days), actor=self.actor)
        return self.to_requests()


class DeleteLogs(DeploymentPage):
    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        count = services.delete_logs(deployment=self.deployment, older_than=None, actor=self.actor)
        messages.success(request, f"{_counted(count, 'log')} deleted.")
        return self.to_requests()


class MakeDataset(DeploymentPage):
    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        check_scope(self.actor, "datasets", request.method)
        name = request.POST.get("name", "").strip()
        if not name:
            raise InvalidInput("Give the data set a name.")
        wanted = DatasetRequest(
            name=name,
            filter=LogFilter(),
            only_successful=request.POST.get("only_successful") == "on",
            deduplicate=request.POST.get("deduplicate") == "on",
            limit=DATASET_ROWS,
        )
        dataset, rows = services.make_dataset(deployment=self.deployment, request=wanted, actor=self.actor)
        skipped = rows.skipped.total()
        left_out = f"; {_counted(skipped, 'log')} left out" if skipped else ""
        messages.success(request, f"{dataset.name} has {_counted(rows.count, 'row')} of them{left_out}.")
        return redirect("console:dataset", self.project.public_id, dataset.public_id)


def _filter(request: HttpRequest) -> LogFilter:
    status = request.GET.get("status", "")
    if status not in STATUSES:
        raise InvalidInput(f"status: one of {', '.join(filter(None, STATUSES))}.")
    return LogFilter(status=status or None, text=request.GET.get("q", "")[:MAX_TEXT] or None)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _bodies(log: RequestLog) -> dict[str, str]:
    """As JSON for people."""
    return {
        title: orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()
        for title, body in (("Request", log.request), ("Response", log.response))
        if body is not None
    }
