"""What a preflight tells. Sizes are bytes, times seconds, lengths tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A row that cannot be trained on; `line` is that of the data set's file."""

    line: int
    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Rows:
    """`read` of them were looked at; the numbers of the others are reckoned from these."""

    total: int
    read: int
    trainable: int
    truncated: int
    untrainable: int
    problems: Sequence[Problem]
    tokens: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Memory:
    """`available_bytes` and `fits` are None where nothing is known.

    `host` tells whose memory that is: of the host that trained last, or of this one, which answers.
    """

    parts: Mapping[str, int]
    peak_bytes: int
    available_bytes: int | None
    total_bytes: int | None
    fits: bool | None
    host: Literal["last_training_host", "this_host"]
    device: str


@dataclass(frozen=True, kw_only=True)
class Duration:
    """Of training alone, reckoned from so many earlier `jobs`, or else by a rule of thumb."""

    seconds: float
    seconds_per_step: float
    basis: Literal["earlier_jobs", "rule_of_thumb"]
    jobs: int


@dataclass(frozen=True, kw_only=True)
class Cost:
    amount: float
    currency: str
    price_per_hour: float


@dataclass(frozen=True, kw_only=True)
class Warned:
    """`blocking`: the training host will refuse the job for this."""

    code: str
    message: str
    blocking: bool = False


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """`train` is None where the base model's tokenizer is not at hand: then nothing is counted.

    `test_rows` is 0 if there is nothing to test with.
    """

    technique: str
    task_type: str
    base_model: str
    parameters: Mapping[str, object]
    train_rows: int
    test_rows: int
    train: Rows | None
    steps_per_epoch: int
    total_steps: int
    memory: Memory | None
    duration: Duration | None
    cost: Cost | None
    warnings: Sequence[Warned] = field(default_factory=list)

    @property
    def fits(self) -> bool | None:
        return self.memory.fits if self.memory else None
