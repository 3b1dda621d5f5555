"""Errors → bodies, for DRF. Foreign exceptions become ours here and nowhere else."""

import logging
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from embassy.platform.error_bodies import render
from embassy.platform.errors import (
    EmbassyError,
    Forbidden,
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
        log.exception("request.failed", extra=fields(path=request.path))
        error = EmbassyError("Something went wrong on our side. The request id is in X-Request-Id.")
    set_rollback()
    status, body = render(request.path, error)
    return Response(body, status=status, headers=headers_of(error, exception))


def headers_of(error: EmbassyError, exception: Exception) -> dict[str, str]:
    headers: dict[str, str] = {}
    if isinstance(error, Unavailable | TooManyRequests):
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    if error.status == 401:
        headers["WWW-Authenticate"] = "ApiKey"
    if isinstance(exception, exceptions.MethodNotAllowed):
        headers["Allow"] = ""
    return {name: value for name, value in headers.items() if value}


def translate(exception: Exception) -> EmbassyError | None:
    match exception:
        case EmbassyError():
            return exception
        case exceptions.ValidationError():
            return InvalidInput(sentence(exception.detail), code="invalid_input", details=exception.detail)
        case exceptions.ParseError():
            return InvalidInput(f"The body cannot be read: {exception.detail}", code="malformed_body")
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return Unauthorized(str(exception.detail))
        case exceptions.PermissionDenied() | PermissionDenied():
            return Forbidden(str(getattr(exception, "detail", exception)))
        case Http404() | exceptions.NotFound():
            return NotFound("There is nothing at this address.")
        case exceptions.MethodNotAllowed():
            return MethodNotAllowed(str(exception.detail))
        case exceptions.UnsupportedMediaType():
            return UnsupportedMediaType(str(exception.detail))
        case exceptions.NotAcceptable():
            return NotAcceptable(str(exception.detail))
        case exceptions.Throttled():
            return TooManyRequests(str(exception.detail), retry_after=exception.wait or 1)
        case OperationalError():
            return Unavailable("The database cannot be reached at the moment. Try again in a few seconds.")
    return None


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
