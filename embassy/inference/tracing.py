"""The spans of one request, in the words of OpenTelemetry's conventions for generative AI.

The request itself, the wait for its model if it was held, and each try at an engine. The engine is told of
its span by `traceparent`, and ours continues the client's. Nothing of prompts or answers is in them.
"""

import time
from typing import Any

from opentelemetry.propagators.textmap import default_getter
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from embassy.deployments.routes import Route
from embassy.inference.exchange import Exchange
from embassy.inference.spending import Spent

PROVIDER = "embassy"
OPERATIONS = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "text_completion",
    "/v1/embeddings": "embeddings",
    "/v1/classification": "classification",
    "/v1/regression": "regression",
}
# Of the body, if they are of this type: everything else in it is somebody's text.
REQUEST: dict[str, tuple[str, tuple[type, ...]]] = {
    "model": ("gen_ai.request.model", (str,)),
    "max_tokens": ("gen_ai.request.max_tokens", (int,)),
    "max_completion_tokens": ("gen_ai.request.max_tokens", (int,)),
    "temperature": ("gen_ai.request.temperature", (int, float)),
    "top_p": ("gen_ai.request.top_p", (int, float)),
    "seed": ("gen_ai.request.seed", (int,)),
    "n": ("gen_ai.request.choice.count", (int,)),
    "stream": ("gen_ai.request.stream", (bool,)),
}
LONGEST_NAME = 200
W3C = TraceContextTextMapPropagator()


class RequestTrace:
    """From the request's first byte to `end`."""

    def __init__(self, tracer: Tracer, exchange: Exchange) -> None:
        self._tracer = tracer
        self._began_ns = time.time_ns()
        self._operation = OPERATIONS[exchange.path]
        given = {name: exchange.header(name.encode()) or "" for name in W3C.fields}
        self._span = tracer.start_span(
            self._operation,
            context=W3C.extract(given, getter=default_getter),
            kind=SpanKind.SERVER,
            start_time=self._began_ns,
            attributes={
                "gen_ai.operation.name": self._operation,
                "gen_ai.provider.name": PROVIDER,
                "gen_ai.system": PROVIDER,  # the older name of the same
                "http.request.method": exchange.method,
                "url.path": exchange.path,
                "server.address": exchange.header(b"host") or "",
                "embassy.request.id": exchange.request_id,
            },
        )
        self._try: Span | None = None

    def asks(self, body: dict[str, Any]) -> None:
        """The request's own words, as far as they are settings."""
        for field, (name, types) in REQUEST.items():
            value = body.get(field)
            if _is_one_of(value, types):
                self._span.set_attribute(name, value[:LONGEST_NAME] if isinstance(value, str) else value)
        if isinstance(model := body.get("model"), str):
            self._span.update_name(f"{self._operation} {model[:LONGEST_NAME]}")

    def sends(self, route: Route, path: str, *, was_held: bool) -> dict[str, str]:
        """A try at this engine begins; returns the headers that tell it."""
        if was_held and self._try is None:
            self._waited(route.models[0])
        self._end_try()
        self._try = self._tracer.start_span(
            f"POST {path}",
            context=set_span_in_context(self._span),
            kind=SpanKind.CLIENT,
            attributes={
                "gen_ai.operation.name": self._operation,
                "gen_ai.provider.name": "vllm",
                "http.request.method": "POST",
                "url.path": path,
                "server.address": route.host,
                "server.port": route.port,
                "embassy.engine.id": route.engine_id or "",
            },
        )
        headers: dict[str, str] = {}
        W3C.inject(headers, context=set_span_in_context(self._try))
        return headers

    def end(self, spent: Spent) -> None:
        """The request is over. If it never got to an engine, it may have waited for one in vain."""
        if self._try is None and spent.account is not None:
            self._waited(spent.account.model, error=spent.outcome.code)
        self._end_try(spent)
        self._describe(spent)
        _fail(self._span, spent)
        self._span.end()

    def _describe(self, spent: Spent) -> None:
        if spent.account is not None:
            self._span.set_attributes(
                {
                    "gen_ai.response.model": spent.account.model,
                    "gen_ai.usage.input_tokens": spent.prompt_tokens,
                    "gen_ai.usage.output_tokens": spent.completion_tokens,
                    "embassy.deployment.id": spent.account.deployment_id,
                }
            )
        if spent.first_at:
            waited = spent.first_at - spent.began_at
            self._span.set_attribute("gen_ai.response.time_to_first_chunk", waited)
        self._span.set_attribute("http.response.status_code", spent.outcome.status)

    def _waited(self, model: str, *, error: str = "") -> None:
        span = self._tracer.start_span(
            f"wake {model}", context=set_span_in_context(self._span), start_time=self._began_ns
        )
        if error:
            span.set_attribute("error.type", error)
            span.set_status(Status(StatusCode.ERROR))
        span.end()

    def _end_try(self, spent: Spent | None = None) -> None:
        if self._try is None:
            return
        if spent is None:  # there is another one
            self._try.set_attribute("error.type", "engine_not_ready")
            self._try.set_status(Status(StatusCode.ERROR))
        else:
            _fail(self._try, spent)
        self._try.end()


def _is_one_of(value: Any, types: tuple[type, ...]) -> bool:
    """True and False are numbers to Python, but not here."""
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))


def _fail(span: Span, spent: Spent) -> None:
    if spent.outcome.is_error:
        span.set_attribute("error.type", spent.outcome.code)
        span.set_status(Status(StatusCode.ERROR if spent.outcome.status >= 500 else StatusCode.UNSET))
