"""What to try when memory ran out, and how to know that it did."""

from pathlib import Path

import pytest

from embassy.training.supervisor import memory
from embassy.training.supervisor.memory import Batch, OomKills, advice, with_smaller_batch


@pytest.mark.parametrize(
    ("rows", "times", "expected"),
    [
        (8, 1, Batch(4, 2)),
        (2, 4, Batch(1, 8)),
        (6, 1, Batch(3, 2)),
        (9, 2, Batch(3, 6)),
        (7, 1, Batch(1, 7)),
        (1, 4, None),
    ],
)
def test_a_step_keeps_its_rows(rows: int, times: int, expected: Batch | None) -> None:
    halved = Batch(rows, times).halved()

    assert halved == expected
    assert halved is None or halved.rows * halved.times == rows * times


def test_evaluation_gets_no_larger_batches_than_training() -> None:
    parameters = {
        "per_device_train_batch_size": 8,
        "gradient_accumulation_steps": 1,
        "per_device_eval_batch_size": 16,
        "learning_rate": 1e-4,
    }

    assert with_smaller_batch(parameters) == {
        "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": 2,
        "per_device_eval_batch_size": 4,
        "learning_rate": 1e-4,
    }
    assert with_smaller_batch({**parameters, "per_device_train_batch_size": 1}) is None


def test_advice_names_only_what_is_left_to_do() -> None:
    parameters = {
        "per_device_train_batch_size": 1,
        "max_length": 512,
        "gradient_checkpointing": False,
        "load_in_4bit": False,
        "full_fine_tuning": False,
    }

    assert (
        advice(parameters) == "Lower max_length (now 512), set gradient_checkpointing, or set load_in_4bit."
    )
    assert advice({**parameters, "gradient_checkpointing": True, "full_fine_tuning": True}) == (
        "Lower max_length (now 512)."
    )
    assert advice({**parameters, "num_generations": 8, "per_device_train_batch_size": 4}).startswith(
        "Lower per_device_train_batch_size, lower max_length (now 512), lower num_generations"
    )


@pytest.mark.parametrize("name", ["memory.events", "vmstat"])
def test_kills_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(memory, "CGROUPS", tmp_path)
    monkeypatch.setattr(memory, "VMSTAT", tmp_path / "vmstat")
    (tmp_path / name).write_text("low 0\noom 4\noom_kill 3\noom_group_kill 0\n")
    kills = OomKills()

    assert not kills.rose()
    (tmp_path / name).write_text("low 0\noom 5\noom_kill 4\noom_group_kill 0\n")
    assert kills.rose()


def test_where_nothing_is_counted_nothing_is_claimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "CGROUPS", tmp_path)
    monkeypatch.setattr(memory, "VMSTAT", tmp_path / "vmstat")

    assert not OomKills().rose()
