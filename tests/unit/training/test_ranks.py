"""Who tells of a failure when several processes train together."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from embassy.training.runner.checkpoints import is_complete
from embassy.training.runner.failures import RunnerError
from embassy.training.runner.ranks import Ranks, failure_elsewhere, is_dead, leave_note, lock_path
from embassy.training.spec import (
    BaseModel,
    DataFiles,
    EndCode,
    SftParameters,
    SpecError,
    Task,
    Technique,
    TrainingSpec,
    parse_parameters,
)

FIRST = Ranks(0, 3)


def make_spec(folder: Path, attempt: int = 1) -> TrainingSpec:
    return TrainingSpec(
        job_id="tr-1",
        attempt=attempt,
        technique=Technique.SFT,
        task=Task.TEXT_GENERATION,
        run_dir=str(folder),
        base=BaseModel(path="/nowhere", name="tiny"),
        data=DataFiles(train="train.jsonl", train_sha256=""),
        parameters=SftParameters(num_processes=3),
    )


@contextmanager
def living(spec: TrainingSpec, number: int, signed: str = "1") -> Iterator[None]:
    with lock_path(spec, number).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(signed)
        file.flush()
        yield


def test_a_process_without_a_launcher_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert Ranks.from_environment() == Ranks(0, 1)
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert Ranks.from_environment().others == [0, 1]


def test_a_lock_tells_who_has_died(tmp_path: Path) -> None:
    spec = make_spec(tmp_path)
    assert not is_dead(spec, 1)  # it has not begun
    with living(spec, 1):
        assert not is_dead(spec, 1)
    assert is_dead(spec, 1)
    assert not is_dead(make_spec(tmp_path, attempt=2), 1)  # that was another attempt's
    with living(spec, 1, signed=""):
        pass
    assert not is_dead(spec, 1)  # it was done


def test_a_named_failure_comes_before_a_death_and_that_before_what_others_saw(tmp_path: Path) -> None:
    spec = make_spec(tmp_path)
    assert failure_elsewhere(spec, FIRST, seconds=0) is None
    leave_note(spec, Ranks(2, 3), RunnerError(EndCode.INTERNAL_ERROR, "The connection broke."))
    assert found(spec) == (EndCode.INTERNAL_ERROR, "The connection broke.")
    with living(spec, 1):
        pass
    code, sentence = found(spec)
    assert code is EndCode.PROCESS_LOST
    assert sentence.startswith("Process 2 of 3 died")
    leave_note(spec, Ranks(1, 3), RunnerError(EndCode.OUT_OF_MEMORY, "Too much."))
    assert found(spec) == (EndCode.OUT_OF_MEMORY, "Too much.")


def found(spec: TrainingSpec) -> tuple[EndCode, str]:
    failure = failure_elsewhere(spec, FIRST, seconds=0)
    assert failure is not None
    return failure.code, failure.sentence


def test_a_checkpoint_needs_the_generators_of_all_processes(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint-3"
    folder.mkdir()
    for name in ("scheduler.pt", "optimizer.bin", "adapter_model.safetensors"):
        (folder / name).write_bytes(b"x")
    (folder / "trainer_state.json").write_text("{}")
    (folder / "rng_state_0.pth").write_bytes(EMPTY_ZIP)
    (folder / "rng_state_1.pth").write_bytes(EMPTY_ZIP[:10])  # killed while it wrote
    assert not is_complete(folder, processes=2)
    (folder / "rng_state_1.pth").write_bytes(EMPTY_ZIP)
    assert is_complete(folder, processes=2)
    assert not is_complete(folder, processes=3)
    assert not is_complete(folder)


EMPTY_ZIP = b"PK\x05\x06" + bytes(18)


@pytest.mark.parametrize(
    ("technique", "task"),
    [
        (Technique.DPO, Task.TEXT_GENERATION),
        (Technique.GRPO, Task.TEXT_GENERATION),
        (Technique.SFT, Task.EMBEDDING),
    ],
)
def test_what_cannot_be_spread_is_refused(technique: Technique, task: Task) -> None:
    values = {"num_processes": 2, "sharding": "fsdp"}
    with pytest.raises(SpecError, match="sharding"):
        parse_parameters(technique, task, values)
    parse_parameters(technique, task, {"num_processes": 2})


def test_one_process_has_nobody_to_share_with() -> None:
    with pytest.raises(SpecError, match="num_processes"):
        parse_parameters(Technique.SFT, Task.TEXT_GENERATION, {"sharding": "fsdp"})


def test_completions_are_counted_over_all_processes() -> None:
    values = {"num_processes": 2, "per_device_train_batch_size": 4, "num_generations": 8}
    parse_parameters(Technique.GRPO, Task.TEXT_GENERATION, values)
    with pytest.raises(SpecError, match="num_generations"):
        parse_parameters(Technique.GRPO, Task.TEXT_GENERATION, {**values, "num_processes": 1})
