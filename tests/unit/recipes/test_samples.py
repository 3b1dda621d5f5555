"""The sample data sets are what their scripts make; what is held out is not trained on."""

import csv
import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.unit.recipes.shipped import SAMPLES

NAMES = ("answer-style", "flat-rents", "short-answers", "ticket-pairs", "ticket-topics")
BYTES = 120_000  # of each: people clone this
README = (SAMPLES / "README.md").read_text()

pytestmark = pytest.mark.parametrize("folder", [SAMPLES / name for name in NAMES], ids=NAMES)


def rows(folder: Path, half: str) -> list[dict[str, Any]]:
    (path,) = folder.glob(f"{half}.*")
    with path.open(newline="") as file:
        return list(csv.DictReader(file)) if path.suffix == ".csv" else [json.loads(line) for line in file]


def questions(row: dict[str, Any]) -> set[str]:
    return {row[name] for name in ("prompt", "text1", "text2") if name in row}


def test_files_are_what_the_script_makes(folder: Path) -> None:
    contents = runpy.run_path(str(folder / "generate.py"))["contents"]()

    assert {path.name for path in folder.iterdir()} - {"__pycache__"} == {"generate.py", *contents}
    assert {name: (folder / name).read_text() for name in contents} == contents


def test_nothing_is_asked_in_both_halves(folder: Path) -> None:
    train, heldout = (set().union(*map(questions, rows(folder, half))) for half in ("train", "heldout"))

    assert train
    assert heldout
    assert not train & heldout


def test_readme_tells_how_many_rows_there_are(folder: Path) -> None:
    told = f"| {len(rows(folder, 'train'))} + {len(rows(folder, 'heldout'))} |"
    (line, *_) = (line for line in README.splitlines() if line.startswith(f"| `{folder.name}` |"))

    assert told in line


def test_it_stays_small(folder: Path) -> None:
    assert sum(path.stat().st_size for path in folder.glob("*.*")) < BYTES
