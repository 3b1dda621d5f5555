"""The stream for a server that has nothing but Django: it tells what there is, ends, and is asked again.

Under `embassy.asgi` no request comes this way. Its place in the API reference is here.
"""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from embassy.platform.errors import InvalidInput
from embassy.training.api import JobView
from embassy.training.stream import feed, frames

LAST_EVENT_ID = OpenApiParameter(
    "Last-Event-ID",
    int,
    OpenApiParameter.HEADER,
    description="The last id that the client has seen, before it lost the connection. Wins over `after`.",
)
AFTER = OpenApiParameter("after", int, description="Only events after this seq.", default=0)
WORDS = (
    "Server-sent events: `id` is the seq, `event` the kind, `data` the event as in the list of events, as"
    " JSON. First come those that have happened, then each as it happens; the stream ends with the job."
    " Comments are signs of life. Where it breaks, go on with `Last-Event-ID`: nothing is lost, and nothing"
    " comes twice."
    " Who comes back to a job that has ended and has seen everything gets 204."
)


class AnyAccept(BaseContentNegotiation):
    """Listeners accept text/event-stream, yet errors are JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class JobEventStream(JobView):
    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="streamTrainingJobEvents",
        description=WORDS,
        parameters=[AFTER, LAST_EVENT_ID],
        responses={(200, "text/event-stream"): OpenApiTypes.STR, 204: None},
    )
    def get(self, request: Request, project_id: str, training_job_id: str) -> HttpResponse:
        job = self.job(request, project_id, training_job_id)
        last = request.headers.get("Last-Event-ID")
        try:
            after = frames.last_seen(last, request.query_params.get("after"))
        except ValueError:
            raise InvalidInput("after: must be the seq of an event, a whole number from 0.") from None
        chapter = feed.read(job, after)
        if last is not None and chapter.is_last and not chapter.events:
            return HttpResponse(status=204)
        content = frames.OPENING + frames.frames(chapter.events)
        return HttpResponse(content, content_type=frames.CONTENT_TYPE, headers=frames.HEADERS)
