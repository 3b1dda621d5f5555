"""`GET /metrics`."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client.exposition import choose_encoder

from embassy.inference.metrics.audience import audience_of
from embassy.inference.metrics.exposition import registry_for
from embassy.platform.error_bodies import render
from embassy.platform.errors import EmbassyError


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """In Prometheus' text format, or OpenMetrics where the reader prefers that."""
    try:
        audience = audience_of(request)
    except EmbassyError as error:
        status, body = render(request.path, error)
        return JsonResponse(body, status=status)
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(registry_for(audience)), content_type=content_type)
