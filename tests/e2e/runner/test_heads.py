"""Classification and regression: a trained head over the language model."""

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from embassy.training.spec import Task, TrainingSpec
from tests.e2e.runner.runs import (
    COLOURS,
    Outcome,
    Trainer,
    assert_same_weights,
    chat,
    kill_at,
    make_spec,
    resumed,
)

pytestmark = pytest.mark.e2e

SHIPPED = Path(__file__).resolve().parents[3] / "models" / "tiny-llama-instruct"
LEARNING = {
    "learning_rate": 5e-3,
    "num_train_epochs": 6,
    "per_device_train_batch_size": 16,
    "lora_r": 16,
    "lora_alpha": 32,
}


def labelled(count: int) -> list[dict[str, Any]]:
    return [chat(f"{COLOURS[i % 4]} parcel {i}", COLOURS[i % 4]) for i in range(count)]


def head_spec(
    run_dir: Path,
    base: Path,
    rows: list[dict[str, Any]],
    task: Task = Task.CLASSIFICATION,
    parameters: dict[str, Any] | None = None,
    **changes: Any,
) -> TrainingSpec:
    return make_spec(run_dir, base, rows, task=task, parameters={**LEARNING, **(parameters or {})}, **changes)


@pytest.fixture(scope="module")
def outcome(trainer: Trainer, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    run_dir = tmp_path_factory.mktemp("classification")
    return trainer.run(head_spec(run_dir, SHIPPED, labelled(64), eval_rows=labelled(16))).require()


def metadata(outcome: Outcome, number: int) -> Any:
    return json.loads((outcome.export(number) / "metadata.json").read_text())


def test_it_learns_the_labels(outcome: Outcome) -> None:
    evaluations = [event["metrics"] for event in outcome.of("eval")]

    assert evaluations[-1]["accuracy"] > 0.9
    assert evaluations[-1]["macro_f1"] > 0.9
    assert set(evaluations[-1]) == {"accuracy", "macro_f1", *(f"f1/{colour}" for colour in COLOURS)}
    assert outcome.of("step")[-1]["loss"] < 0.5
    assert all(event["tokens_per_second"] > 0 for event in outcome.of("step"))


def test_the_export_holds_head_and_labels(outcome: Outcome) -> None:
    config = json.loads((outcome.export(6) / "adapter_config.json").read_text())
    weights = load_file(outcome.export(6) / "adapter_model.safetensors")

    assert config["task_type"] == "SEQ_CLS"
    assert set(config["modules_to_save"]) <= {"score", "classifier"}
    assert weights["base_model.model.score.weight"].shape == (4, 256)
    assert metadata(outcome, 6) == {
        "labels": ["black", "blue", "green", "red"],
        "multi_label": False,
        "problem_type": "single_label_classification",
        "threshold": None,
    }
    assert json.loads((outcome.export(6) / "evidence.json").read_text())["metadata"] == metadata(outcome, 6)
    assert (outcome.export(6) / "prompt_format.json").exists()


def test_given_labels_keep_their_order(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    rows = [*labelled(16), chat("pink parcel", "pink"), chat("no parcel", " ")]
    spec = head_spec(tmp_path, base, rows, labels=("red", "green", "blue", "black"))
    outcome = trainer.run(spec).require()

    assert metadata(outcome, 1)["labels"] == ["red", "green", "blue", "black"]
    (preflight,) = outcome.of("preflight")
    assert [row["line"] for row in preflight["untrainable"]] == [17, 18]


def test_several_labels_at_once(trainer: Trainer, tmp_path: Path) -> None:
    def row(number: int) -> dict[str, Any]:
        late, red = number % 2, number // 2 % 2
        text = f"{'late' if late else 'early'} {'red' if red else 'blue'} parcel"
        return chat(text, json.dumps({"late": late, "red": red}))

    rows = [row(number) for number in range(64)]
    parameters = {"multi_label": True, "class_weighting": True}
    spec = head_spec(tmp_path, SHIPPED, rows, parameters=parameters, eval_rows=rows[:8])
    outcome = trainer.run(spec).require()

    assert outcome.of("eval")[-1]["metrics"]["accuracy"] > 0.9
    assert metadata(outcome, 6)["threshold"] == 0.0
    assert metadata(outcome, 6)["labels"] == ["late", "red"]


def test_one_label_is_nothing_to_learn(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    outcome = trainer.run(head_spec(tmp_path, base, [chat("parcel", "red")] * 4)).require("error")

    assert outcome.end["code"] == "invalid_data"


@pytest.mark.parametrize(
    "parameters",
    [{"full_fine_tuning": True, "learning_rate": 3e-3}, {"use_dora": True}, {"load_in_4bit": True}],
)
def test_variants(trainer: Trainer, base: Path, tmp_path: Path, parameters: dict[str, Any]) -> None:
    spec = head_spec(tmp_path, base, labelled(32), parameters={"class_weighting": True, **parameters})
    outcome = trainer.run(spec).require()

    steps, merged = outcome.of("step"), outcome.of("checkpoint")[0]["merged"]
    assert steps[-1]["loss"] < steps[0]["loss"]
    assert merged is ("load_in_4bit" not in parameters)
    if merged:
        config = json.loads((outcome.export(1) / "config.json").read_text())
        assert config["architectures"] == ["LlamaForSequenceClassification"]
        assert config["id2label"]["0"] == "black"
        assert load_file(outcome.export(1) / "model.safetensors")["score.weight"].shape == (4, 64)


def test_a_killed_run_resumes_to_the_same_weights(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    small = {"per_device_train_batch_size": 8}
    undisturbed = trainer.run(head_spec(tmp_path / "a", base, labelled(64), parameters=small)).require()
    spec = head_spec(tmp_path / "b", base, labelled(64), parameters=small)
    kill_at(trainer, spec, 12)

    assert_same_weights(undisturbed, trainer.run(resumed(spec)).require())


def test_training_goes_on_from_head_and_adapter(outcome: Outcome, trainer: Trainer, tmp_path: Path) -> None:
    base = Path(outcome.spec.base.path)
    one = {"num_train_epochs": 1, "learning_rate": 1e-3}
    spec = head_spec(tmp_path, base, labelled(16), parameters=one, adapter=str(outcome.export(6)))

    assert trainer.run(spec).require().of("step")[0]["loss"] < 0.5


def test_another_number_of_labels_does_not_fit(outcome: Outcome, trainer: Trainer, tmp_path: Path) -> None:
    rows = [*labelled(16), chat("pink parcel", "pink")]
    spec = head_spec(tmp_path, Path(outcome.spec.base.path), rows, adapter=str(outcome.export(6)))

    assert trainer.run(spec).require("error").end["code"] == "adapter_mismatch"


def test_numbers(trainer: Trainer, tmp_path: Path) -> None:
    rows = [chat(f"{COLOURS[i % 4]} parcel", str(100 + 10 * (i % 4))) for i in range(64)]
    rows.append(chat("grey parcel", "many"))
    outcome = trainer.run(head_spec(tmp_path, SHIPPED, rows, Task.REGRESSION, eval_rows=rows[:8])).require()

    metrics = outcome.of("eval")[-1]["metrics"]
    assert metrics["r2"] > 0.8
    assert metrics["mean_absolute_error"] < 5
    assert metadata(outcome, 6)["mean"] == pytest.approx(115)
    assert metadata(outcome, 6)["deviation"] == pytest.approx(11.18, abs=0.01)
    assert outcome.of("preflight")[0]["untrainable"] == [{"line": 65, "problem": "no_number"}]
