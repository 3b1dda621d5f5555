"""Datasets, made by the real service from real files."""

from io import BytesIO

import orjson

from embassy.datasets import services
from embassy.datasets.models import Dataset
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from tests.factories.projects import make_actor, make_project

ROWS = [("What is 1 + 1?", "2"), ("What is 2 + 2?", "4"), ("What is 3 + 3?", "6")]


def csv_bytes(rows: list[tuple[str, str]] | None = None) -> bytes:
    """A CSV file of prompts; the texts must need no quotes."""
    lines = [f"{question},{answer}" for question, answer in rows or ROWS]
    return "\n".join(["input,expected_output", *lines, ""]).encode()


def jsonl_bytes(rows: list[dict[str, object]]) -> bytes:
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def make_dataset(
    *,
    project: Project | None = None,
    actor: Actor | None = None,
    content: bytes | None = None,
    file_name: str = "sums.csv",
    name: str | None = None,
) -> Dataset:
    actor = actor or make_actor()
    return services.create_dataset(
        project=project or make_project(actor),
        file=BytesIO(csv_bytes() if content is None else content),
        file_name=file_name,
        name=name,
        actor=actor,
    )
