"""The trainer, run as the platform runs it: what it learns, tells and leaves behind."""

import importlib
import json
from pathlib import Path

import pytest
from safetensors.torch import load_file

from embassy.training.spec import TrainingSpec
from tests.e2e.runner.runs import Outcome, Trainer, chat, colour_rows, make_spec

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def outcome(trainer: Trainer, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    run_dir = tmp_path_factory.mktemp("sft")
    rows = [*colour_rows(47), chat("Nothing follows.", " ")]
    spec = make_spec(run_dir, base, rows, eval_rows=colour_rows(8), parameters={"num_train_epochs": 3})
    return trainer.run(spec).require()


def test_exit_status(outcome: Outcome) -> None:
    assert outcome.code == 0


def test_the_loss_falls(outcome: Outcome) -> None:
    losses = [event["loss"] for event in outcome.of("step")]

    assert losses[-1] < losses[0] - 0.5


def test_events_are_numbered_and_in_order(outcome: Outcome) -> None:
    events = outcome.events
    kinds = [event["event"] for event in events]

    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)
    epoch = [*["step"] * 6, "eval", "checkpoint"]
    assert kinds == ["started", "preflight", *epoch * 3, "end"]


def test_started_tells_where_it_runs(outcome: Outcome) -> None:
    (started,) = outcome.of("started")

    assert started["versions"]["trl"]
    assert started["device"]
    assert started["memory_available"] > 0
    assert started["resumed_from"] is None


def test_preflight_counts_rows_and_steps(outcome: Outcome) -> None:
    (preflight,) = outcome.of("preflight")

    assert preflight["rows"] == 48
    assert preflight["untrainable"] == [{"line": 48, "problem": "empty_completion"}]
    assert preflight["truncated_rows"] == 0
    assert preflight["steps_per_epoch"] == 6
    assert preflight["estimated_steps"] == 18
    assert preflight["eval_rows"] == 8
    tokens = preflight["tokens"]
    assert 0 < tokens["min"] <= tokens["mean"] <= tokens["max"] <= tokens["total"]


def test_steps_measure_progress(outcome: Outcome) -> None:
    steps = outcome.of("step")

    assert [event["step"] for event in steps] == list(range(1, 19))
    assert all(event["max_steps"] == 18 for event in steps)
    assert steps[-1]["progress"] == 1.0
    assert steps[-1]["eta_seconds"] == 0.0
    assert all(event["tokens_per_second"] > 0 and event["rss_bytes"] > 0 for event in steps)
    assert all(event["grad_norm"] > 0 for event in steps)


def test_each_epoch_leaves_a_checkpoint_and_an_export(outcome: Outcome) -> None:
    checkpoints = outcome.of("checkpoint")

    assert [event["number"] for event in checkpoints] == [1, 2, 3]
    assert [event["step"] for event in checkpoints] == [6, 12, 18]
    assert [event["export"] for event in checkpoints] == [str(outcome.export(n)) for n in (1, 2, 3)]
    assert checkpoints[-1]["metrics"]["eval_loss"] == outcome.of("eval")[-1]["loss"]
    assert Path(checkpoints[-1]["path"]).is_dir()
    assert not list(outcome.spec.exports_dir.glob(".*"))


def test_an_export_is_ready_to_serve(outcome: Outcome, base: Path) -> None:
    export = outcome.export(3)

    assert {path.name for path in export.iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
        "prompt_format.json",
        "evidence.json",
        "parity.json",
        "README.md",
    }
    config = json.loads((export / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "tiny-random"
    assert config["modules_to_save"] is None
    assert (export / "chat_template.jinja").read_text() == (base / "chat_template.jinja").read_text()
    assert json.loads((export / "prompt_format.json").read_text()) == {
        "prefix": "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n",
        "suffix": "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    }


def test_evidence_says_what_it_was_made_from(outcome: Outcome) -> None:
    evidence = json.loads((outcome.export(2) / "evidence.json").read_text())

    assert evidence["train_sha256"] == "d" * 64
    assert evidence["base"] == {"name": "tiny-random", "revision": "r1", "sha256": "b" * 64}
    assert evidence["checkpoint"] == 2
    assert evidence["parameters"]["learning_rate"] == 3e-3
    assert evidence["metrics"]["eval_loss"] > 0
    assert evidence["versions"]["peft"]


def test_a_second_run_of_the_same_attempt_is_refused(outcome: Outcome, trainer: Trainer) -> None:
    before = outcome.spec.events_file.read_bytes()

    assert trainer.run(outcome.spec).code == 2
    assert outcome.spec.events_file.read_bytes() == before


@pytest.mark.parametrize(
    ("parameters", "merged"),
    [
        ({"load_in_4bit": True}, False),
        ({"use_rslora": True, "neftune_noise_alpha": 5}, False),
        ({"dynamic_loss": True, "gradient_accumulation_steps": 2}, False),
        ({"use_dora": True}, True),
        ({"use_dora": True, "load_in_4bit": True}, True),
        ({"full_fine_tuning": True}, True),
    ],
    ids=["qlora", "rslora", "dynamic_loss", "dora", "qdora", "full"],
)
def test_variants(
    trainer: Trainer, base: Path, tmp_path: Path, parameters: dict[str, object], merged: bool
) -> None:
    spec = make_spec(tmp_path / "run", base, colour_rows(24), parameters=parameters)
    outcome = trainer.run(spec).require()

    steps, (checkpoint, _) = outcome.of("step"), outcome.of("checkpoint")
    assert steps[-1]["loss"] < steps[0]["loss"]
    assert checkpoint["merged"] is merged
    assert_changed(outcome.export(1), base, merged)


@pytest.mark.parametrize("dynamic_loss", [False, True])
def test_accumulated_batches_weigh_as_one(
    trainer: Trainer, base: Path, tmp_path: Path, dynamic_loss: bool
) -> None:
    rows = [chat(f"Parcel {i}?", "word " * (1 + i % 7)) for i in range(16)]  # answers of many lengths
    common = {"num_train_epochs": 1, "dynamic_loss": dynamic_loss}
    whole = {**common, "per_device_train_batch_size": 8}
    parts = {**common, "per_device_train_batch_size": 2, "gradient_accumulation_steps": 4}
    runs = [
        trainer.run(make_spec(tmp_path / name, base, rows, parameters=values, precision="fp32")).require()
        for name, values in (("a", whole), ("b", parts))
    ]

    for one, other in zip(runs[0].of("step"), runs[1].of("step"), strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)
        assert one["grad_norm"] == pytest.approx(other["grad_norm"], rel=1e-3)


def test_the_library_still_has_what_we_replace() -> None:
    for module, name in (("trl.trainer.utils", "_use_triton"), ("trl.import_utils", "is_vllm_available")):
        assert callable(getattr(importlib.import_module(module), name))


def assert_changed(export: Path, base: Path, merged: bool) -> None:
    """The export has the base's weights, changed, or an adapter that does something."""
    assert not [path for path in export.iterdir() if path.suffix in (".bin", ".pt", ".pth")]
    if not merged:
        weights = load_file(export / "adapter_model.safetensors")
        assert any(weight.any() for name, weight in weights.items() if "lora_B" in name)
        return
    before, after = load_file(base / "model.safetensors"), load_file(export / "model.safetensors")
    assert before.keys() == after.keys()
    assert all(before[name].shape == after[name].shape for name in before)
    assert any((before[name] != after[name]).any() for name in before)
    assert json.loads((export / "config.json").read_text())["use_cache"] is True
    assert not (export / "adapter_config.json").exists()


def test_training_goes_on_from_an_adapter(outcome: Outcome, trainer: Trainer, tmp_path: Path) -> None:
    spec = continued(outcome, tmp_path / "run")
    first = trainer.run(spec).require().of("step")[0]

    assert first["loss"] < outcome.of("step")[5]["loss"]


def test_a_merged_start_gives_the_same_first_loss(outcome: Outcome, trainer: Trainer, tmp_path: Path) -> None:
    adapted = trainer.run(continued(outcome, tmp_path / "a")).require().of("step")[0]
    merged = trainer.run(continued(outcome, tmp_path / "m", full_fine_tuning=True)).require().of("step")[0]

    assert merged["loss"] == pytest.approx(adapted["loss"], abs=0.02)


def continued(outcome: Outcome, run_dir: Path, **parameters: object) -> TrainingSpec:
    base = Path(outcome.spec.base.path)
    values = {"num_train_epochs": 1, **parameters}
    return make_spec(run_dir, base, colour_rows(16), parameters=values, adapter=str(outcome.export(3)))


def test_the_program_runs_without_a_standby(base: Path, tmp_path: Path) -> None:
    spec = make_spec(tmp_path / "run", base, colour_rows(8), parameters={"num_train_epochs": 1})
    outcome = Trainer(standby=None).run(spec).require()

    assert len(outcome.of("checkpoint")) == 1
