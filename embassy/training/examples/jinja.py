"""Chat templates as transformers renders them, without importing it; tests hold the two together.

A template comes with a model, so it is a stranger's program: it runs sandboxed and changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

Span = tuple[int, int]

# What has been rendered so far, and where the answers in it are; None while nobody asks for them.
_rendering: ContextVar[tuple[list[str], list[Span]] | None] = ContextVar("rendering", default=None)


def render(
    template: str, variables: Mapping[str, Any], *, marks_answers: bool = False
) -> tuple[str, list[Span]]:
    """The text, and if asked for where its `{% generation %}` blocks are. Raises jinja2.TemplateError."""
    blocks: list[str] = []
    spans: list[Span] = []
    token = _rendering.set((blocks, spans) if marks_answers else None)
    try:
        for block in _compiled(template).generate(**variables):
            blocks.append(block)  # noqa: PERF402 - the blocks so far are looked at while the next is made
    finally:
        _rendering.reset(token)
    return "".join(blocks), spans


class _Answers(Extension):
    """`{% generation %} … {% endgeneration %}` encloses what the assistant says."""

    tags = {"generation"}  # noqa: RUF012 - as the base class has it

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_mark"), [], [], body).set_lineno(line)

    def _mark(self, caller: Macro) -> str:
        text = str(caller())
        if rendering := _rendering.get():
            blocks, spans = rendering
            start = sum(map(len, blocks))
            spans.append((start, start + len(text)))
        return text


@lru_cache(maxsize=32)
def _compiled(template: str) -> jinja2.Template:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Answers, "jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = _to_json  # the usual one escapes for HTML
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = _now
    return environment.from_string(template)


def _to_json(value: Any, **options: Any) -> str:
    return json.dumps(value, **{"ensure_ascii": False, **options})


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _now(form: str) -> str:
    return datetime.now().strftime(form)  # noqa: DTZ005 - templates print the local date
