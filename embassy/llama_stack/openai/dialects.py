"""One implementation, two mounts: the contract's at `/v1/openai/v1`, OpenAI's own at `/openai/v1`.

A view is mounted with its dialect; where the two differ, the dialect decides and the services never know.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from django.urls import URLPattern, path
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from embassy.platform.schema import ApiSchema


class Dialect(StrEnum):
    CONTRACT = "v1/openai/v1"
    OPENAI = "openai/v1"


class DialectSchema(ApiSchema):
    """Each mount's operations by names of their own: `openaiFileListGet`, `contractFileListGet`."""

    def get_operation_id(self) -> str:
        dialect = getattr(self.view, "dialect", Dialect.OPENAI)
        return f"{dialect.name.lower()}{type(self.view).__name__}{self.method.capitalize()}"


class AnyAccept(DefaultContentNegotiation):
    """There is one form of each answer: clients that accept `application/binary` get it too."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> Any:
        first = next(iter(renderers))
        return first, first.media_type


class DialectView(APIView):
    """A view that knows at which of the mounts it was asked."""

    content_negotiation_class = AnyAccept
    schema = DialectSchema()
    dialect: Dialect = Dialect.OPENAI

    @property
    def is_contract(self) -> bool:
        return self.dialect is Dialect.CONTRACT


def mounted(address: str, view: type[DialectView], *dialects: Dialect) -> list[URLPattern]:
    """The view under every one of the dialects (default: all)."""
    return [
        path(f"{dialect}/{address}", view.as_view(dialect=dialect)) for dialect in dialects or tuple(Dialect)
    ]
