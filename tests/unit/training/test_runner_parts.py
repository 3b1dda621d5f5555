"""The trainer's small parts: its account, its stops, its failures and its checkpoints."""

import errno
import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from embassy.training.examples.errors import Unusable
from embassy.training.examples.pairs import Scale
from embassy.training.examples.summary import describe, refuse_hopeless
from embassy.training.runner.checkpoints import find_all, is_complete, step_of
from embassy.training.runner.events import EventWriter
from embassy.training.runner.failures import RunnerError, explain
from embassy.training.runner.limits import Limits, Stopped
from embassy.training.spec import EndCode, EndReason, EventType


def read_lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_events_are_numbered_lines(tmp_path: Path) -> None:
    with EventWriter(tmp_path / "events") as events:
        events.emit(EventType.WARNING, code="a", message="ä")
        events.emit(EventType.END, durable=True, loss=float("nan"), list=[float("inf")], inner={"x": 1.5})

    first, second = read_lines(tmp_path / "events")
    assert (first["seq"], first["event"], first["message"]) == (1, "warning", "ä")
    assert (second["seq"], second["loss"], second["list"]) == (2, "nan", ["inf"])
    assert second["inner"] == {"x": 1.5}


def test_an_attempt_has_one_account(tmp_path: Path) -> None:
    with EventWriter(tmp_path / "events"), pytest.raises(FileExistsError):
        EventWriter(tmp_path / "events")


@pytest.fixture
def signals() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals")
def test_sigterm_stops_where_it_finds_us() -> None:
    with pytest.raises(Stopped) as stopped, Limits(None):
        os.kill(os.getpid(), signal.SIGTERM)

    assert stopped.value.reason is EndReason.CANCELLED


@pytest.mark.usefixtures("signals")
def test_the_time_limit_stops() -> None:
    with pytest.raises(Stopped) as stopped, Limits(0.01):
        signal.pause()

    assert stopped.value.reason is EndReason.TIME_LIMIT


@pytest.mark.usefixtures("signals")
def test_a_shielded_block_ends_first() -> None:
    done = []

    def work() -> None:
        with Limits(None) as limits:
            with limits.shielded():
                os.kill(os.getpid(), signal.SIGTERM)
                done.append("the block")
            done.append("never")

    with pytest.raises(Stopped):
        work()
    assert done == ["the block"]


@pytest.mark.usefixtures("signals")
def test_a_stop_that_was_swallowed_is_raised_again() -> None:
    def work() -> None:
        with Limits(None) as limits:
            with suppress(BaseException):  # as a careless library does
                os.kill(os.getpid(), signal.SIGTERM)
            limits.check()

    with pytest.raises(Stopped):
        work()


@pytest.mark.usefixtures("signals")
def test_nothing_stops_once_it_is_over() -> None:
    limits = Limits(None)
    with limits:
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    with limits.shielded():
        pass


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), EndCode.OUT_OF_MEMORY),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ..."), EndCode.OUT_OF_MEMORY),
        (RuntimeError("CUDA out of memory. Tried to allocate"), EndCode.OUT_OF_MEMORY),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"), EndCode.OUT_OF_MEMORY),
        (RuntimeError("std::bad_alloc"), EndCode.OUT_OF_MEMORY),
        (OSError(12, "Cannot allocate memory"), EndCode.OUT_OF_MEMORY),
        (RuntimeError("size mismatch"), EndCode.INTERNAL_ERROR),
        (OSError(errno.ENOSPC, "No space left on device"), EndCode.DISK_FULL),
        (RunnerError(EndCode.REWARD_FAILED, "It failed."), EndCode.REWARD_FAILED),
        (Unusable(EndCode.INVALID_DATA, "It is."), EndCode.INVALID_DATA),
        (RuntimeError("shape mismatch"), EndCode.INTERNAL_ERROR),
        (KeyError("x"), EndCode.INTERNAL_ERROR),
    ],
)
def test_failures_have_codes(error: Exception, code: EndCode) -> None:
    assert explain(error).code is code


def make_checkpoint(folder: Path, *, without: str = "", state: str = "{}") -> Path:
    folder.mkdir(parents=True)
    for name in ("adapter_model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth"):
        if name != without:
            (folder / name).touch()
    if without != "trainer_state.json":
        (folder / "trainer_state.json").write_text(state)
    return folder


def test_a_whole_checkpoint(tmp_path: Path) -> None:
    assert is_complete(make_checkpoint(tmp_path / "checkpoint-5"))


@pytest.mark.parametrize(
    "missing",
    ["adapter_model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"],
)
def test_a_partial_checkpoint(tmp_path: Path, missing: str) -> None:
    assert not is_complete(make_checkpoint(tmp_path / "checkpoint-5", without=missing))


def test_a_checkpoint_cut_off_in_its_last_file(tmp_path: Path) -> None:
    assert not is_complete(make_checkpoint(tmp_path / "checkpoint-5", state='{"global_step": '))


def test_checkpoints_are_ordered_by_step(tmp_path: Path) -> None:
    for name in ("checkpoint-9", "checkpoint-10", "other", "checkpoint-x"):
        (tmp_path / name).mkdir()

    assert [step_of(folder) for folder in find_all(tmp_path)] == [9, 10]
    assert find_all(tmp_path / "absent") == []


@dataclass
class Row:
    line: int
    full_length: int = 10
    truncated: bool = False
    problem: str | None = None
    size: int = 10
    learned: int = 5


def test_rows_are_described() -> None:
    rows = [Row(1, 4), Row(2, 8, truncated=True), *(Row(n, 6, problem="cut_off") for n in range(3, 33))]

    facts = describe(rows)
    assert facts["tokens"] == {
        "total": 192,
        "min": 4,
        "mean": 6.0,
        "max": 8,
        "p50": 6,
        "p90": 6,
        "p95": 6,
        "p99": 8,
    }
    assert facts["truncated_rows"] == 1
    assert facts["untrainable_rows"] == 30
    assert [row["line"] for row in facts["untrainable"]] == list(range(3, 23))
    assert describe([])["tokens"]["max"] == 0


@pytest.mark.parametrize(
    ("good", "bad", "code"),
    [(0, 0, "no_trainable_rows"), (0, 3, "no_trainable_rows"), (1, 2, "mostly_untrainable_rows")],
)
def test_hopeless_rows_are_refused(good: int, bad: int, code: str) -> None:
    rows = [*(Row(n) for n in range(good)), *(Row(n, problem="no_label") for n in range(bad))]
    with pytest.raises(Unusable) as error:
        refuse_hopeless(rows, good)

    assert error.value.code == code


def test_half_of_the_rows_is_enough() -> None:
    refuse_hopeless([Row(1), Row(2, problem="no_label")], 1)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([0, 0.5, 1], [0, 0.5, 1]), ([-1, 1], [-1, 1]), ([0, 5], [0, 1]), ([1, 5], [0.2, 1]), ([-5, 5], [0, 1])],
)
def test_scores_are_spread_only_where_they_must(scores: list[float], expected: list[float]) -> None:
    scale = Scale.of(scores)

    assert [scale.apply(score) for score in scores] == pytest.approx(expected)
    assert scale.is_identity == (scores == expected)
