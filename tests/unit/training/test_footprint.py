"""Estimated memory: what is measured, what adds to it, and what is refused."""

import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from embassy.training.duration import seconds_per_step
from embassy.training.fitting import Fit
from embassy.training.footprint import Footprint, Load, estimate
from embassy.training.model_shape import ModelShape, read_shape, shape_of
from embassy.training.spec import Task, Technique, parse_parameters

ROOT = Path(__file__).resolve().parents[3]
MIB = 2**20

TINY = read_shape(ROOT / "models" / "tiny-llama-instruct")
BIGGER = shape_of(
    {
        "hidden_size": 640,
        "intermediate_size": 1792,
        "num_hidden_layers": 10,
        "num_attention_heads": 10,
        "num_key_value_heads": 5,
        "head_dim": 64,
        "vocab_size": 32000,
        "tie_word_embeddings": True,
    },
    {},
)
SHAPES = {"tiny": TINY, "67m": BIGGER}

# Peak resident memory in MiB of whole runs of the trainer on a CPU with bf16; docs/preflight.md has them too.
# Model, technique, task, rows in a batch, longest row, predicted tokens of it, parameters, measured.
MEASURED: list[tuple[str, str, str, int, int, int, dict[str, Any], int]] = [
    ("tiny", "SFT", "text-generation", 8, 185, 92, {}, 915),
    ("tiny", "SFT", "text-generation", 16, 356, 178, {}, 1540),
    ("tiny", "SFT", "text-generation", 16, 356, 178, {"gradient_checkpointing": True}, 1199),
    ("tiny", "SFT", "text-generation", 8, 185, 92, {"load_in_4bit": True}, 913),
    ("tiny", "SFT", "text-generation", 8, 185, 92, {"use_dora": True}, 1009),
    ("tiny", "SFT", "text-generation", 8, 185, 92, {"full_fine_tuning": True}, 907),
    ("tiny", "DPO", "text-generation", 4, 374, 187, {}, 946),
    ("tiny", "GRPO", "text-generation", 32, 128, 64, {"max_completion_length": 64}, 995),
    ("tiny", "SFT", "classification", 8, 184, 0, {}, 852),
    ("67m", "SFT", "text-generation", 16, 356, 178, {}, 6472),
    ("67m", "SFT", "text-generation", 4, 124, 62, {}, 1380),
    ("67m", "SFT", "text-generation", 4, 124, 62, {"load_in_4bit": True}, 1323),
    ("67m", "SFT", "text-generation", 4, 124, 62, {"full_fine_tuning": True}, 2170),
    ("67m", "DPO", "text-generation", 2, 252, 126, {}, 1385),
    ("67m", "GRPO", "text-generation", 4, 81, 32, {"max_completion_length": 32, "num_generations": 2}, 1286),
]


def load(
    technique: str = "SFT",
    task: str = "text-generation",
    batch: int = 8,
    longest: int = 200,
    learned: int = 100,
    parameters: dict[str, Any] | None = None,
    **changes: Any,
) -> Load:
    values = {"per_device_train_batch_size": batch, **(parameters or {})}
    return Load(
        technique=Technique(technique),
        task=Task(task),
        parameters=parse_parameters(Technique(technique), Task(task), values),
        batch=batch,
        longest=longest,
        learned=learned,
        **{"prompt": longest - learned, "bf16": True, **changes},
    )


def shape(name: str) -> ModelShape:
    found = SHAPES[name]
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "technique", "task", "batch", "longest", "learned", "parameters", "measured"), MEASURED
)
def test_estimates_are_near_what_was_measured(
    name: str,
    technique: str,
    task: str,
    batch: int,
    longest: int,
    learned: int,
    parameters: dict[str, Any],
    measured: int,
) -> None:
    found = estimate(shape(name), load(technique, task, batch, longest, learned, parameters))

    assert 0.7 <= found.total / MIB / measured <= 1.5


def test_shapes_are_read_from_headers_or_reckoned_from_the_configuration() -> None:
    assert shape("tiny").parameters == 3_475_712
    config = json.loads((ROOT / "models" / "tiny-llama-instruct" / "config.json").read_text())
    reckoned = shape_of(config, {})
    assert reckoned is not None
    assert reckoned.linear == shape("tiny").linear
    assert reckoned.parameters == pytest.approx(3_475_712, rel=0.001)
    assert shape("67m").parameters == pytest.approx(67_187_840, rel=0.001)


def test_what_is_no_model_has_no_shape(tmp_path: Path) -> None:
    assert read_shape(tmp_path) is None
    (tmp_path / "config.json").write_text("{}")
    assert read_shape(tmp_path) is None
    (tmp_path / "config.json").write_text(json.dumps({"hidden_size": 8, "num_hidden_layers": 1}))
    (tmp_path / "model.safetensors").write_bytes(struct.pack("<Q", 1 << 60))
    assert read_shape(tmp_path) is None


def total(**changes: Any) -> int:
    return estimate(shape("67m"), load(**changes)).total


def test_what_saves_memory_saves_it() -> None:
    usual = total(longest=500)

    assert total(longest=250) < usual
    assert total(longest=500, batch=4) < usual
    assert total(longest=500, parameters={"gradient_checkpointing": True}) < usual
    assert total(longest=500, parameters={"load_in_4bit": True}) < usual
    assert total(longest=500, parameters={"full_fine_tuning": True}) > usual
    assert total(longest=500, parameters={"lora_r": 256}) > usual


def test_published_bytes_of_a_parameter() -> None:
    found = estimate(shape("67m"), load(parameters={"full_fine_tuning": True}, bf16=False))
    size = shape("67m").parameters

    assert (found.weights, found.gradients, found.optimizer) == (4 * size, 4 * size, 8 * size)
    four_bit = estimate(shape("67m"), load(parameters={"load_in_4bit": True}))
    rest = shape("67m").parameters - shape("67m").linear
    assert four_bit.weights == pytest.approx(shape("67m").linear * 0.516 + rest * 2, rel=0.001)


def test_sharding_shares_out_what_is_held() -> None:
    alone = estimate(shape("67m"), load(parameters={"full_fine_tuning": True}))
    parameters = {"full_fine_tuning": True, "num_processes": 2, "sharding": "fsdp"}
    shared = estimate(shape("67m"), load(parameters=parameters))

    assert shared.optimizer == alone.optimizer // 2
    assert shared.activations == alone.activations


def test_the_parts_add_up() -> None:
    found = estimate(shape("tiny"), load())

    assert sum(found.parts.values()) == found.total
    assert found.beyond_libraries == found.total - found.libraries


def fit(available: float, **parameters: Any) -> Fit:
    return Fit(estimate(shape("67m"), load(parameters=parameters)), int(available))


def test_it_fits_cannot_or_is_too_close_to_say() -> None:
    needed = fit(1).footprint.beyond_libraries

    assert [fit(needed * share).fits for share in (2, 1.5, 1.3, 0.8, 0.6)] == [True, True, None, None, False]


def test_weights_alone_that_exceed_the_memory_are_hopeless() -> None:
    held = replace(Footprint(*[0] * 9), weights=1000)

    assert Fit(held, 999).is_hopeless
    assert not Fit(held, 1000).is_hopeless


@pytest.mark.parametrize(
    ("parameters", "said", "not_said"),
    [
        ({}, "per_device_train_batch_size", "full_fine_tuning"),
        ({"gradient_checkpointing": True}, "max_length", "Turn gradient_checkpointing"),
        ({"load_in_4bit": True}, "gradient_checkpointing", "4 bits"),
        ({"full_fine_tuning": True}, "adapter instead of every weight", "4 bits"),
    ],
)
def test_a_refusal_says_what_would_help(parameters: dict[str, Any], said: str, not_said: str) -> None:
    refused = fit(MIB, **parameters)
    sentence = refused.refusal(load(parameters=parameters).parameters)

    assert refused.is_hopeless
    assert said in sentence
    assert not_said not in sentence
    assert "0.0 GiB is free" in sentence


def seconds(device: str = "cpu", cuda: bool = False, **changes: Any) -> float:
    wanted = load(cuda=cuda, **changes)
    return seconds_per_step(shape("67m"), wanted, tokens=8 * 200, device=device, cores=2)


def test_time_follows_device_and_work() -> None:
    assert seconds("NVIDIA H100 80GB HBM3", True) < seconds("Tesla T4", True) < seconds()
    assert seconds(parameters={"full_fine_tuning": True}) > seconds()
    assert seconds(parameters={"gradient_checkpointing": True}) > seconds()
    assert seconds("GRPO", technique="GRPO", parameters={"max_completion_length": 100}) > seconds()
