"""OpenTelemetry spans, sent by OTLP over HTTP where the standard variables say. Off without them, at no cost.

On with OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or EMBASSY_OTEL=1; all other OTEL_…
variables mean what OpenTelemetry says. Spans hold names and numbers, never what anybody wrote.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

if TYPE_CHECKING:  # the SDK is loaded only where it is used
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

FLUSH_MS = 5_000


def tracer() -> Tracer | None:
    """None: tracing is off."""
    known = provider()
    return None if known is None else known.get_tracer("embassy")


@lru_cache(maxsize=1)
def provider() -> "TracerProvider | None":
    """One for the life of this process; its threads do not survive a fork, so it is made at first use."""
    if not settings.TRACING:
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return provider_for(BatchSpanProcessor(OTLPSpanExporter()))


def provider_for(processor: "SpanProcessor") -> "TracerProvider":
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    named = {} if "OTEL_SERVICE_NAME" in os.environ else {"service.name": "embassy"}
    made = TracerProvider(resource=Resource.create(named))
    made.add_span_processor(processor)
    return made


@contextmanager
def work(name: str, *, subject: str, attributes: dict[str, Any]) -> Iterator[Span | None]:
    """A span of long work in a worker, sent before this returns. All of one `subject` are one trace."""
    known = provider()
    if known is None:
        yield None
        return
    try:
        with known.get_tracer("embassy").start_as_current_span(
            name, context=context_of(subject), attributes=attributes
        ) as span:
            yield span
    finally:
        known.force_flush(FLUSH_MS)


def context_of(subject: str) -> Context:
    """Derived from the id, so that processes that know nothing of each other write into one trace."""
    digest = hashlib.sha256(f"trace:{subject}".encode()).digest()
    parent = SpanContext(
        trace_id=int.from_bytes(digest[:16], "big"),
        span_id=int.from_bytes(digest[16:24], "big"),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    return set_span_in_context(NonRecordingSpan(parent))
