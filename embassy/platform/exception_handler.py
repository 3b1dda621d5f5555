"""Errors → bodies, for DRF. Foreign exceptions become ours here and nowhere else."""

import logging
from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from embassy.platform.error_bodies import render
from embassy.platform.errors import (
    EmbassyError,
    Forbidden,
    InProgress,
    InvalidInput,
    NotFound,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from embassy.platform.logs import fields

log = logging.getLogger(__name__)


class MethodNotAllowed(EmbassyError):
    status = 405
    code = "method_not_allowed"


class UnsupportedMediaType(EmbassyError):
    status = 415
    code = "unsupported_media_type"


class NotAcceptable(EmbassyError):
    status = 406
    code = "not_acceptable"


def render_exception(exception: Exception, context: dict[str, Any]) -> Response | None:
    request = context["request"]
    error = translate(exception)
    if error is None:
        log.error("request.failed", exc_info=exception, extra=fields(path=request.path))
        error = EmbassyError("Something went wrong on our side. The request id is in X-Request-Id.")
    set_rollback()
    status, body = render(request.path, error)
    return Response(body, status=status, headers=headers_of(error))


def headers_of(error: EmbassyError) -> dict[str, str]:
    headers: dict[str, str] = {}
    if isinstance(error, Unavailable | TooManyRequests | InProgress):
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    if error.status == 401:
        headers["WWW-Authenticate"] = "ApiKey"
    return headers


def translate(exception: Exception) -> EmbassyError | None:
    if isinstance(exception, EmbassyError):
        return exception
    for kind, make in FOREIGN.items():
        if isinstance(exception, kind):
            return make(exception)
    return None


def _detail(exception: Any) -> str:
    return str(getattr(exception, "detail", exception))


FOREIGN: dict[type[Exception], Callable[[Any], EmbassyError]] = {
    exceptions.ValidationError: lambda e: InvalidInput(sentence(e.detail), details=e.detail),
    exceptions.ParseError: lambda e: InvalidInput(
        f"The body cannot be read: {e.detail}", code="malformed_body"
    ),
    # Too many fields or files, or a field that is too big.
    SuspiciousOperation: lambda e: InvalidInput("The body has more than it may have.", code="malformed_body"),
    exceptions.NotAuthenticated: lambda e: Unauthorized(_detail(e)),
    exceptions.AuthenticationFailed: lambda e: Unauthorized(_detail(e)),
    exceptions.PermissionDenied: lambda e: Forbidden(_detail(e)),
    PermissionDenied: lambda e: Forbidden(_detail(e)),
    exceptions.NotFound: lambda e: NotFound("There is nothing at this address."),
    Http404: lambda e: NotFound("There is nothing at this address."),
    exceptions.MethodNotAllowed: lambda e: MethodNotAllowed(_detail(e)),
    exceptions.UnsupportedMediaType: lambda e: UnsupportedMediaType(_detail(e)),
    exceptions.NotAcceptable: lambda e: NotAcceptable(_detail(e)),
    exceptions.Throttled: lambda e: TooManyRequests(_detail(e), retry_after=e.wait or 1),
    OperationalError: lambda e: Unavailable(
        "The database cannot be reached just now. Try again in a few seconds."
    ),
}


def sentence(detail: Any, path: str = "") -> str:
    """DRF's nested details as one sentence: `parameters.learning_rate: A valid number is required.`"""
    if isinstance(detail, dict):
        parts = (sentence(value, _join(path, str(key))) for key, value in detail.items())
        return " ".join(part for part in parts if part)
    if isinstance(detail, list):
        nested = [item for item in detail if isinstance(item, dict | list)]
        if nested:
            parts = (sentence(item, _join(path, str(index))) for index, item in enumerate(detail) if item)
            return " ".join(parts)
        return f"{path}: {' '.join(map(str, detail))}" if path else " ".join(map(str, detail))
    return f"{path}: {detail}" if path else str(detail)


def _join(path: str, key: str) -> str:
    if key == "non_field_errors":
        return path
    return f"{path}.{key}" if path else key
