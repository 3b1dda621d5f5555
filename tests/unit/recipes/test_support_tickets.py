"""The sample data set is what its script makes, and its halves share no text."""

import csv
import json
import runpy
from collections import Counter
from typing import Any

import pytest

from tests.unit.recipes.shipped import TICKETS


def rows(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (TICKETS / name).read_text().splitlines()]


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(TICKETS / "generate.py"))


def test_files_are_what_the_script_makes(script: dict[str, Any]) -> None:
    train, heldout = script["split"]()

    assert (TICKETS / "train.jsonl").read_text() == script["as_jsonl"](train)
    assert (TICKETS / "heldout.jsonl").read_text() == script["as_jsonl"](heldout)


def test_no_text_is_in_both_halves() -> None:
    train, heldout = rows("train.jsonl"), rows("heldout.jsonl")

    assert (len(train), len(heldout)) == (400, 100)
    assert not {row["prompt"] for row in train} & {row["prompt"] for row in heldout}


def test_queues_are_evenly_filled() -> None:
    counts = Counter(row["completion"] for name in ("train.jsonl", "heldout.jsonl") for row in rows(name))

    assert counts == {"account": 125, "billing": 125, "shipping": 125, "technical": 125}


def test_csv_holds_the_training_rows() -> None:
    with (TICKETS / "train.csv").open(newline="") as file:
        read = [
            {"prompt": row["input"], "completion": row["expected_output"]} for row in csv.DictReader(file)
        ]

    assert read == rows("train.jsonl")
