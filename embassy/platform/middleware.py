"""Request ids, and the families' error bodies for what never reaches a view."""

import re
from collections.abc import Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse

from embassy.platform.error_bodies import render
from embassy.platform.errors import EmbassyError, NotFound
from embassy.platform.ids import new_id
from embassy.platform.logs import request_id

WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")
PAGES = ("/console", "/admin", "/docs", "/static", "/accounts")


def incoming_request_id(value: str | None) -> str:
    """The client's id if it is harmless in a log, else a new one."""
    return value if value and WELL_FORMED.fullmatch(value) else new_id("rq-")


class Middleware:
    """One that serves sync and async alike: `before` sees the request, `after` the response."""

    async_capable = True
    sync_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if iscoroutinefunction(self.get_response):
            return self._acall(request)  # type: ignore[return-value]
        self.before(request)
        return self.after(request, self.get_response(request))

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        self.before(request)
        return self.after(request, await self.get_response(request))  # type: ignore[misc]

    def before(self, request: HttpRequest) -> None: ...

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return response


class RequestIdMiddleware(Middleware):
    """Every answer has `X-Request-Id`, and every log line written meanwhile carries it."""

    def before(self, request: HttpRequest) -> None:
        request_id.set(incoming_request_id(request.headers.get("X-Request-Id")))

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response["X-Request-Id"] = request_id.get()
        return response


class ApiNotFoundMiddleware(Middleware):
    """Django's own HTML pages for 404 and 500 never leave an API address."""

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        html = response.get("Content-Type", "").startswith("text/html")
        if response.status_code < 400 or not html or request.path.startswith(PAGES):
            return response
        error: EmbassyError = NotFound("There is nothing at this address.", code="no_such_address")
        if response.status_code != 404:
            error = EmbassyError("Something went wrong on our side.")
            error.status = response.status_code
        status, body = render(request.path, error)
        return JsonResponse(body, status=status)


class NulMiddleware(Middleware):
    """No address has a NUL byte; Postgres would refuse to look for one."""

    def before(self, request: HttpRequest) -> None:
        if "\0" in request.path:
            raise Http404
