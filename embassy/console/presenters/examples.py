"""Code that calls a model and runs as it is pasted, once EMBASSY_API_KEY holds a key."""

import json
from dataclasses import dataclass
from string import Template
from typing import Any

from embassy.console.presenters.example_code import CALLS, CURL, JAVASCRIPT, OPENAI, OPENAI_JS, REQUESTS
from embassy.inference.endpoints import CLASSIFICATION, EMBEDDING, REGRESSION, TEXT

QUESTION = "I was charged twice for my order."
OTHER = "My card was debited two times."


@dataclass(frozen=True)
class Example:
    """`needs` is what must be installed; `language` one of shell, python and javascript."""

    key: str
    title: str
    language: str
    needs: str
    code: str


@dataclass(frozen=True)
class Endpoint:
    """`python` and `javascript` are what to print of the answer."""

    path: str
    payload: dict[str, Any]
    python: str
    javascript: str


ENDPOINTS = {
    TEXT: Endpoint(
        "/chat/completions",
        {"messages": [{"role": "user", "content": QUESTION}]},
        '["choices"][0]["message"]["content"]',
        ".choices[0].message.content",
    ),
    CLASSIFICATION: Endpoint(
        "/classification",
        {"input": QUESTION, "data_format": "probs"},
        '["data"][0]["probs"]',
        ".data[0].probs",
    ),
    REGRESSION: Endpoint("/regression", {"input": QUESTION}, '["data"][0]["value"]', ".data[0].value"),
    EMBEDDING: Endpoint(
        "/embeddings", {"input": [QUESTION, OTHER]}, '["data"][0]["embedding"]', ".data[0].embedding"
    ),
}


def examples(*, base_url: str, model: str, task: str) -> list[Example]:
    """Five ways to the same answer. `base_url` is without a slash at its end."""
    endpoint = ENDPOINTS[task]
    values = _values(f"{base_url}/v1", model, endpoint)
    calls = CALLS[task]
    kinds = (
        ("curl", "shell", "", CURL),
        ("Python, openai", "python", "pip install openai", _with_call(OPENAI, calls.python)),
        ("Python, requests", "python", "pip install requests", REQUESTS),
        ("JavaScript, fetch", "javascript", "Node 18 or later: node example.mjs", JAVASCRIPT),
        ("JavaScript, openai", "javascript", "npm install openai", _with_call(OPENAI_JS, calls.javascript)),
    )
    return [
        Example(f"example-{number}", title, language, needs, template.substitute(values))
        for number, (title, language, needs, template) in enumerate(kinds)
    ]


def _with_call(template: Template, call: str) -> Template:
    return Template(template.template.replace("$call", call.strip()))


def _values(base: str, model: str, endpoint: Endpoint) -> dict[str, str]:
    """A JSON string is one in Python and JavaScript too, and so is an object without true, false and null."""
    payload = {"model": model} | endpoint.payload
    written = json.dumps(payload, indent=2)
    return {
        "url": f"{base}{endpoint.path}",
        "base": json.dumps(base),
        "path": json.dumps(endpoint.path),
        "endpoint": json.dumps(f"{base}{endpoint.path}"),
        "body": _shell(written),
        "payload": _indented(json.dumps(payload, indent=4), 4),
        "script_payload": _indented(written, 2),
        "model": json.dumps(model),
        "question": json.dumps(QUESTION),
        "other": json.dumps(OTHER),
        "python": endpoint.python,
        "javascript": endpoint.javascript,
    }


def _indented(text: str, spaces: int) -> str:
    """All lines but the first, which stands where it is put."""
    return text.replace("\n", "\n" + " " * spaces)


def _shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
