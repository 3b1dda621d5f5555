"""JSON as the database takes it, and without API keys that somebody put into a text. Pure."""

import re
from typing import Any

# Deeper than this nothing is meant to be read.
MAX_DEPTH = 64
KEY = re.compile(r"\bemb_([0-9A-Za-z]{8})_[0-9A-Za-z]{40}")


def value(given: Any, depth: int = 0) -> Any:
    if isinstance(given, str):
        return text(given)
    if isinstance(given, dict | list) and depth == MAX_DEPTH:
        return "…"
    if isinstance(given, dict):
        return {text(name): value(held, depth + 1) for name, held in given.items()}
    if isinstance(given, list):
        return [value(held, depth + 1) for held in given]
    return given


def text(given: str) -> str:
    """Postgres stores every character but NUL."""
    if "\0" in given:
        given = given.replace("\0", "\ufffd")
    return KEY.sub(r"emb_\1_…", given) if "emb_" in given else given
