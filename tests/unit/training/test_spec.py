"""The contract between the supervisor and the trainer."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from embassy.training.spec import (
    BaseModel,
    ClassificationParameters,
    DataFiles,
    GrpoParameters,
    Parameters,
    Reward,
    SftParameters,
    SpecError,
    Task,
    Technique,
    TrainingSpec,
    from_json,
    parse_parameters,
    read_spec,
    to_json,
    write_spec,
)


def make_spec(**changes: Any) -> TrainingSpec:
    values: dict[str, Any] = {
        "job_id": "tr-1",
        "attempt": 1,
        "technique": Technique.SFT,
        "task": Task.TEXT_GENERATION,
        "run_dir": "/runs/tr-1",
        "base": BaseModel(path="/models/tiny", name="tiny-llama-instruct"),
        "data": DataFiles(train="/runs/tr-1/train.jsonl", train_sha256="ab"),
        "parameters": SftParameters(learning_rate=0.003, num_train_epochs=2),
    }
    return TrainingSpec(**{**values, **changes})


def grpo_spec() -> TrainingSpec:
    return make_spec(
        technique=Technique.GRPO,
        parameters=GrpoParameters(num_generations=4),
        rewards=(Reward(name="exact", weight=1.0, command=("python", "reward.py")),),
    )


def edited(path: str, value: Any, spec: TrainingSpec | None = None) -> str:
    document = json.loads(to_json(spec or make_spec()))
    *parents, last = path.split(".")
    target = document
    for parent in parents:
        target = target[parent]
    target[last] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    "spec",
    [
        make_spec(),
        grpo_spec(),
        make_spec(
            task=Task.CLASSIFICATION,
            parameters=ClassificationParameters(multi_label=True),
            data=DataFiles(train="a", train_sha256="b", labels=("x", "y")),
        ),
    ],
    ids=["sft", "grpo", "classification"],
)
def test_json_round_trip_gives_an_equal_spec(spec: TrainingSpec) -> None:
    assert from_json(to_json(spec)) == spec


def test_json_names_every_parameter() -> None:
    written = json.loads(to_json(make_spec()))["parameters"]

    assert set(written) == {field.name for field in dataclasses.fields(SftParameters)}


def test_files_round_trip(tmp_path: Path) -> None:
    write_spec(make_spec(), tmp_path / "spec.json")

    assert read_spec(tmp_path / "spec.json") == make_spec()


def test_absent_parameters_take_their_defaults() -> None:
    parameters = parse_parameters(Technique.SFT, Task.TEXT_GENERATION, {"learning_rate": 1})

    assert parameters == SftParameters(learning_rate=1.0)


def test_run_folder_layout() -> None:
    spec = make_spec(attempt=3)

    assert spec.events_file == Path("/runs/tr-1/events-3.jsonl")
    assert spec.checkpoints_dir == Path("/runs/tr-1/checkpoints")
    assert spec.exports_dir == Path("/runs/tr-1/exports")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("version", 2, "version: this runner reads version 1, not 2"),
        ("technique", "PPO", "technique: must be one of SFT, DPO, GRPO"),
        ("task", "vision", "task: must be one of"),
        ("attempt", "1", "attempt: must be a whole number"),
        ("attempt", True, "attempt: must be a whole number"),
        ("base.path", 7, "base.path: must be a string"),
        ("base", [], "base: must be an object"),
        ("data.labels", "x", "data.labels: must be a list"),
        ("data.labels", [1], r"data.labels\[0\]: must be a string"),
        ("surprise", 1, "surprise: unknown field"),
        ("time_limit_seconds", 0, "time_limit_seconds: must be above zero"),
        ("threads", 0, "threads: must be at least 1"),
        ("parameters", None, "parameters: must be an object"),
        ("parameters.surprise", 1, "parameters.surprise: unknown field"),
        ("parameters.learning_rate", "fast", "parameters.learning_rate: must be a number"),
        ("parameters.learning_rate", 0, "parameters.learning_rate: must be above zero"),
        ("parameters.learning_rate", float("nan"), "parameters.learning_rate: must be above zero"),
        ("parameters.num_train_epochs", 0, "parameters.num_train_epochs: must be at least 1"),
        ("parameters.lora_dropout", 1, "parameters.lora_dropout: must be below 1"),
        ("parameters.warmup_ratio", 1.5, "parameters.warmup_ratio: must be below 1"),
        ("parameters.lr_scheduler_type", "zigzag", "parameters.lr_scheduler_type: must be one of"),
        ("parameters.neftune_noise_alpha", -1, "parameters.neftune_noise_alpha: must be above zero"),
    ],
)
def test_a_bad_field_is_named(path: str, value: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        from_json(edited(path, value))


@pytest.mark.parametrize("text", ["", "[]", "nonsense"])
def test_what_is_no_spec_is_refused(text: str) -> None:
    with pytest.raises(SpecError):
        from_json(text)


def test_a_missing_field_is_named() -> None:
    document = json.loads(to_json(make_spec()))
    del document["base"]["name"]

    with pytest.raises(SpecError, match=r"base\.name: is required"):
        from_json(json.dumps(document))


def test_a_missing_file_is_a_spec_error(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot read"):
        read_spec(tmp_path / "absent.json")


def test_a_technique_trains_only_its_tasks() -> None:
    with pytest.raises(SpecError, match="GRPO does not train embedding"):
        parse_parameters(Technique.GRPO, Task.EMBEDDING, {})


def test_parameters_of_another_kind_are_refused() -> None:
    with pytest.raises(SpecError, match="takes SftParameters"):
        make_spec(parameters=Parameters())


def test_full_fine_tuning_excludes_adapters() -> None:
    with pytest.raises(SpecError, match="cannot be combined"):
        SftParameters(full_fine_tuning=True, load_in_4bit=True)


def test_grpo_needs_whole_groups_and_a_reward() -> None:
    with pytest.raises(SpecError, match="must divide"):
        GrpoParameters(per_device_train_batch_size=6, num_generations=4)
    with pytest.raises(SpecError, match="at least one"):
        make_spec(technique=Technique.GRPO, parameters=GrpoParameters())
