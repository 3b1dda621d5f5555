"""Spans of requests, in memory and over OTLP; none of them holds what anybody wrote."""

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from embassy.deployments.routes import Route
from embassy.inference.app import Gateway
from embassy.inference.series import PRESENT
from embassy.platform import tracing
from tests.factories.routes import make_base_route
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.served_gateway import Offer
from tests.waiting import wait_for

SECRET = "the customer's own words"
CHAT: dict[str, Any] = {
    "model": "tiny",
    "messages": [{"role": "user", "content": SECRET}],
    "max_tokens": 20,
    "temperature": 0.5,
    "stop": [SECRET],
}
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = {"traceparent": f"00-{TRACE}-{PARENT}-01"}


def trace_to(provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for gateway in list(PRESENT):
        if isinstance(gateway, Gateway):
            monkeypatch.setattr(gateway, "_tracer", provider.get_tracer("test"))


@pytest.fixture
def exporter(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    trace_to(tracing.provider_for(SimpleSpanProcessor(exporter)), monkeypatch)
    return exporter


def spans_of(exporter: InMemorySpanExporter, count: int) -> list[ReadableSpan]:
    """In the order in which they began."""
    wait_for(lambda: len(exporter.get_finished_spans()) >= count, "the spans")
    spans = sorted(
        exporter.get_finished_spans(), key=lambda span: (span.start_time or 0, span.parent is not None)
    )
    assert len(spans) == count, [span.to_json() for span in spans]
    return spans


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.trace_id:032x}"


def id_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.span_id:016x}"


def parent_of(span: ReadableSpan) -> str:
    assert span.parent is not None
    return f"{span.parent.span_id:016x}"


def test_a_request_and_its_engine(
    client: httpx.Client, engine: FakeEngine, exporter: InMemorySpanExporter
) -> None:
    client.post("/v1/chat/completions", json=CHAT, headers=TRACEPARENT)
    request, attempt = spans_of(exporter, 2)
    assert (request.name, request.kind) == ("chat tiny", SpanKind.SERVER)
    assert (trace_of(request), parent_of(request)) == (TRACE, PARENT)
    found = attributes(request)
    expected = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "embassy",
        "gen_ai.request.model": "tiny",
        "gen_ai.response.model": "tiny",
        "gen_ai.request.max_tokens": 20,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.usage.input_tokens": 6,
        "gen_ai.usage.output_tokens": 5,
        "http.response.status_code": 200,
    }
    assert {name: found[name] for name in expected} == expected
    assert found["server.address"].startswith("127.0.0.1")
    assert (attempt.kind, parent_of(attempt)) == (SpanKind.CLIENT, id_of(request))
    assert attributes(attempt)["server.port"] == engine.port
    assert engine.headers[-1]["traceparent"] == f"00-{TRACE}-{id_of(attempt)}-01"


def test_a_stream_tells_its_first_event(client: httpx.Client, exporter: InMemorySpanExporter) -> None:
    client.post("/v1/chat/completions", json=CHAT | {"stream": True})
    request, _ = spans_of(exporter, 2)
    assert attributes(request)["gen_ai.response.time_to_first_chunk"] > 0
    assert attributes(request)["gen_ai.usage.output_tokens"] == 5
    assert request.parent is None


def test_nothing_that_anybody_wrote_is_in_them(
    client: httpx.Client, engine: FakeEngine, exporter: InMemorySpanExporter
) -> None:
    client.post("/v1/chat/completions", json=CHAT | {"model": "tiny", "user": SECRET})
    engine.manner = "context"
    client.post("/v1/chat/completions", json=CHAT)
    text = "".join(span.to_json() for span in spans_of(exporter, 4))
    assert SECRET not in text
    assert "Paris" not in text


def test_errors_have_their_code(
    client: httpx.Client, engine: FakeEngine, exporter: InMemorySpanExporter
) -> None:
    engine.manner = "broken"
    client.post("/v1/chat/completions", json=CHAT)
    request, first, second = spans_of(exporter, 3)
    assert attributes(first)["error.type"] == "engine_not_ready"  # it is tried once more
    for span in (request, second):
        assert attributes(span)["error.type"] == "engine_failed"
        assert span.status.status_code is StatusCode.ERROR


def test_a_bad_key_is_a_span_too(client: httpx.Client, exporter: InMemorySpanExporter) -> None:
    client.post("/v1/chat/completions", json=CHAT, headers={"X-API-Key": "nobody's"})
    (request,) = spans_of(exporter, 1)
    assert attributes(request)["error.type"] == "unauthorized"
    assert request.status.status_code is StatusCode.UNSET


def test_a_wake_is_a_span_of_its_own(
    client: httpx.Client, engine: FakeEngine, offer: Offer, exporter: InMemorySpanExporter
) -> None:
    name = "tiny-that-sleeps"
    offer.change(make_base_route(models=(name,), state="asleep", reason="It sleeps."))

    def come_up(_: Route) -> None:
        offer.say(make_base_route(engine.port, models=(name,)))

    offer.on_wake = come_up
    client.post("/v1/chat/completions", json=CHAT | {"model": name})
    request, wake, attempt = spans_of(exporter, 3)
    assert wake.name == f"wake {name}"
    assert parent_of(wake) == parent_of(attempt) == id_of(request)
    assert (wake.end_time or 0) <= (attempt.start_time or 0)


class Receiver(http.server.BaseHTTPRequestHandler):
    got: list[ExportTraceServiceRequest]

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append(ExportTraceServiceRequest.FromString(data))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    got: list[ExportTraceServiceRequest] = []
    handler = type("Handler", (Receiver,), {"got": got})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/traces", got
    server.shutdown()
    server.server_close()


def test_they_are_sent_over_otlp(
    client: httpx.Client,
    receiver: tuple[str, list[ExportTraceServiceRequest]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address, got = receiver
    provider = tracing.provider_for(BatchSpanProcessor(OTLPSpanExporter(endpoint=address)))
    trace_to(provider, monkeypatch)
    client.post("/v1/chat/completions", json=CHAT)

    def names() -> list[str]:
        """Of all that has come; the request's own ends a moment after its answer."""
        provider.force_flush()
        scopes = (scope for sent in got for part in sent.resource_spans for scope in part.scope_spans)
        return sorted(span.name for scope in scopes for span in scope.spans)

    wait_for(lambda: names() == ["POST /v1/chat/completions", "chat tiny"], "both spans")
    resource = got[0].resource_spans[0].resource
    assert {a.key: a.value.string_value for a in resource.attributes}["service.name"] == "embassy"
    provider.shutdown()


def test_without_a_destination_nothing_is_traced(client: httpx.Client, engine: FakeEngine) -> None:
    assert tracing.tracer() is None
    client.post("/v1/chat/completions", json=CHAT, headers=TRACEPARENT)
    assert "traceparent" not in engine.headers[-1]
    assert json.dumps(engine.requests[-1])
