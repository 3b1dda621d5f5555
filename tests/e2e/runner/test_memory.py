"""Runs that cannot fit into memory end before they load anything."""

import json
import shutil
import struct
from pathlib import Path

import pytest

from tests.e2e.runner.runs import Trainer, colour_rows, make_spec

pytestmark = pytest.mark.e2e

TERABYTE = 10**12


@pytest.fixture
def huge(base: Path, tmp_path: Path) -> Path:
    """A base model whose one file is mostly a hole: its header tells of a terabyte of weights."""
    folder = tmp_path / "huge"
    shutil.copytree(base, folder)
    tensor = {"dtype": "BF16", "shape": [TERABYTE // 2_000_000, 1_000_000], "data_offsets": [0, TERABYTE]}
    header = json.dumps({"model.layers.0.mlp.up_proj.weight": tensor}).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + TERABYTE)
    return folder


def test_what_cannot_fit_is_refused_with_remedies(trainer: Trainer, huge: Path, tmp_path: Path) -> None:
    spec = make_spec(tmp_path / "run", huge, colour_rows(8), parameters={"full_fine_tuning": True})
    outcome = trainer.run(spec).require("error")

    assert outcome.end["code"] == "does_not_fit"
    assert "adapter instead of every weight" in outcome.end["message"]
    (preflight,) = outcome.of("preflight")
    assert preflight["memory"]["fits"] is False
    assert preflight["memory"]["peak_bytes"] > TERABYTE
    assert preflight["rows"] == 8


def test_a_small_run_fits(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    outcome = trainer.run(make_spec(tmp_path, base, colour_rows(8), parameters={"num_train_epochs": 1}))

    memory = outcome.require().of("preflight")[0]["memory"]
    assert memory["fits"] is True
    assert memory["available_bytes"] > memory["peak_bytes"]
    assert sum(memory["parts"].values()) == memory["peak_bytes"]
