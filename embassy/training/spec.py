"""All that the trainer is told, and the words in which it answers.

The supervisor writes a `TrainingSpec` as JSON into the run folder and starts the runner with its path.
This module is the whole contract between the two: it is pure, and both sides import it.

Paths are absolute strings. Times are seconds, sizes are bytes, lengths are tokens.
"""

from __future__ import annotations

import dataclasses
import json
import signal
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

SPEC_VERSION = 1


class SpecError(ValueError):
    """The spec cannot be read; the message names the field and says what is wrong with it."""


class Technique(StrEnum):
    SFT = "SFT"
    DPO = "DPO"
    GRPO = "GRPO"


class Task(StrEnum):
    TEXT_GENERATION = "text-generation"
    CLASSIFICATION = "classification"
    EMBEDDING = "embedding"
    REGRESSION = "regression"


class EventType(StrEnum):
    STARTED = "started"
    PREFLIGHT = "preflight"
    STEP = "step"
    EVAL = "eval"
    CHECKPOINT = "checkpoint"
    WARNING = "warning"
    END = "end"


# The runner saves its state after the step at hand and ends; SIGTERM ends it at once, without.
PAUSE_SIGNAL = signal.SIGUSR1


class EndReason(StrEnum):
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    PAUSED = "paused"
    TIME_LIMIT = "time_limit"
    NAN_LOSS = "nan_loss"
    ERROR = "error"


class EndCode(StrEnum):
    """Stable codes of the `end` event; with reason `error` they say which error it was."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    PAUSED = "paused"
    TIME_LIMIT = "time_limit"
    NAN_LOSS = "nan_loss"
    OUT_OF_MEMORY = "out_of_memory"
    DOES_NOT_FIT = "does_not_fit"
    DISK_FULL = "disk_full"
    INVALID_SPEC = "invalid_spec"
    INVALID_DATA = "invalid_data"
    NO_TRAINABLE_ROWS = "no_trainable_rows"
    MOSTLY_UNTRAINABLE_ROWS = "mostly_untrainable_rows"
    BASE_MODEL_UNREADABLE = "base_model_unreadable"
    CHAT_TEMPLATE_UNUSABLE = "chat_template_unusable"
    ADAPTER_MISMATCH = "adapter_mismatch"
    RESUME_FAILED = "resume_failed"
    DEVICE_UNAVAILABLE = "device_unavailable"
    REWARD_FAILED = "reward_failed"
    RUN_FOLDER_BUSY = "run_folder_busy"
    PROCESS_LOST = "process_lost"
    INTERNAL_ERROR = "internal_error"


Scheduler = Literal["linear", "cosine", "constant", "constant_with_warmup"]
Sharding = Literal["none", "fsdp", "fsdp_offload"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What every technique understands.

    With `num_processes` above 1 batch sizes are those of each process, and `sharding` says whether each holds
    the whole model or a part of it.
    """

    learning_rate: float = 2e-4
    num_train_epochs: int = 3
    per_device_train_batch_size: int = 8
    per_device_eval_batch_size: int = 8
    gradient_accumulation_steps: int = 1
    max_length: int = 1024
    warmup_ratio: float = 0.03
    lr_scheduler_type: Scheduler = "cosine"
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    seed: int = 0
    gradient_checkpointing: bool = False
    lora_r: int = 16
    lora_alpha: float = 32.0
    lora_dropout: float = 0.0
    use_dora: bool = False
    use_rslora: bool = False
    load_in_4bit: bool = False
    full_fine_tuning: bool = False
    num_processes: int = 1
    sharding: Sharding = "none"

    def __post_init__(self) -> None:
        _at_least(self, 1, "num_train_epochs", "per_device_train_batch_size", "per_device_eval_batch_size")
        _at_least(self, 1, "gradient_accumulation_steps", "lora_r", "num_processes")
        _at_least(self, 8, "max_length")
        _at_least(self, 0, "warmup_ratio", "weight_decay", "max_grad_norm", "lora_dropout", "seed")
        _below(self, 1, "lora_dropout", "warmup_ratio")
        _above_zero(self, "learning_rate", "lora_alpha")
        if self.full_fine_tuning and (self.use_dora or self.use_rslora or self.load_in_4bit):
            raise SpecError(
                "parameters.full_fine_tuning: cannot be combined with DoRA, rsLoRA or 4-bit loading"
            )
        if self.sharding != "none" and self.num_processes == 1:
            raise SpecError("parameters.sharding: needs num_processes of at least 2 to spread the model over")


@dataclass(frozen=True, slots=True, kw_only=True)
class SftParameters(Parameters):
    """`dynamic_loss` turns on focal weighting of target tokens: see `runner/losses.py`."""

    neftune_noise_alpha: float | None = None
    dynamic_loss: bool = False

    def __post_init__(self) -> None:
        Parameters.__post_init__(self)
        if self.neftune_noise_alpha is not None:
            _above_zero(self, "neftune_noise_alpha")


@dataclass(frozen=True, slots=True, kw_only=True)
class DpoParameters(Parameters):
    beta: float = 0.1
    loss_type: Literal["sigmoid", "hinge", "ipo", "robust"] = "sigmoid"
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        Parameters.__post_init__(self)
        _refuse_sharding(self, "DPO asks the starting model before it could be spread")
        _above_zero(self, "beta")
        _at_least(self, 0, "label_smoothing")
        _below(self, 0.5, "label_smoothing")


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpoParameters(Parameters):
    """Batch sizes count completions, so an optimizer step's batch must hold whole groups.

    `generation` is who samples them: vLLM only on a GPU, of whose memory it takes `vllm_memory_share`.
    """

    num_generations: int = 8
    max_completion_length: int = 128
    temperature: float = 1.0
    top_p: float = 1.0
    beta: float = 0.0
    epsilon: float = 0.2
    epsilon_high: float | None = None
    loss_type: Literal["dapo", "grpo", "dr_grpo", "bnpo"] = "dapo"
    scale_rewards: Literal["group", "batch", "none"] = "none"
    mask_truncated_completions: bool = False
    generation: Literal["auto", "transformers", "vllm"] = "auto"
    vllm_memory_share: float = 0.3

    def __post_init__(self) -> None:
        Parameters.__post_init__(self)
        _refuse_sharding(self, "GRPO samples answers, which takes the whole model")
        _at_least(self, 2, "num_generations")
        _at_least(self, 1, "max_completion_length")
        _at_least(self, 0, "beta")
        _above_zero(self, "temperature", "top_p", "epsilon", "vllm_memory_share")
        _at_most(self, 1, "top_p")
        _below(self, 1, "vllm_memory_share")
        if self.generation == "vllm" and self.load_in_4bit:
            raise SpecError("parameters.generation: vllm cannot take over the weights of a model in 4 bits")
        if self.max_completion_length >= self.max_length:
            raise SpecError("parameters.max_completion_length: must leave room for a prompt in max_length")
        if self.completions_per_step % self.num_generations:
            raise SpecError(
                "parameters.num_generations: must divide"
                " per_device_train_batch_size x gradient_accumulation_steps x num_processes"
            )

    @property
    def completions_per_step(self) -> int:
        """Of all processes together."""
        return self.per_device_train_batch_size * self.gradient_accumulation_steps * self.num_processes


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationParameters(Parameters):
    """`class_weighting` weighs each class by the inverse of its frequency (capped at 10)."""

    multi_label: bool = False
    class_weighting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionParameters(Parameters):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingParameters(Parameters):
    loss: Literal["cosine", "cosent", "multiple_negatives", "contrastive"] = "cosine"

    def __post_init__(self) -> None:
        Parameters.__post_init__(self)
        _refuse_sharding(self, "embedding models are small")
        if self.load_in_4bit:
            raise SpecError("parameters.load_in_4bit: embedding models are small; leave it off")


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseModel:
    """The model to start from: `path` is a folder on this machine, `name` what the world calls it."""

    path: str
    name: str
    revision: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFiles:
    """JSONL files of canonical rows; the digests are those of the datasets they were written from.

    `labels` fixes the order of a classification head's outputs; other tasks leave it empty.
    """

    train: str
    train_sha256: str
    eval: str | None = None
    eval_sha256: str | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reward:
    """One weighted reward of a GRPO job.

    `command` starts a process that answers each JSON line on its standard input,
    `{"rows": [{"input_text", "expected_output", "predicted_output"}]}`, with one line `{"scores": [...]}`
    (null where a row has no score) or `{"error": "..."}`. It ends when its input does.
    """

    name: str
    weight: float
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSpec:
    """One attempt at one job.

    `adapter` is the folder of an adapter to go on from (an export of an earlier job). `resume_from` is a
    checkpoint of an earlier attempt, or the checkpoints folder: then the newest complete one is taken,
    and a folder without any starts afresh. `state_seconds` after the last checkpoint the state is saved in
    the middle of an epoch too: a crash costs no more. `threads` None lets the runner choose by the model's
    size. `chat_template` is the path of a Jinja file that replaces the base model's own. With `whole`
    adapters are exported merged: their base is one that serving does not know, or serves without any.
    With `check_memory` a run that by far cannot fit into memory is refused before the model is loaded.
    """

    job_id: str
    attempt: int
    technique: Technique
    task: Task
    run_dir: str
    base: BaseModel
    data: DataFiles
    parameters: Parameters
    adapter: str | None = None
    chat_template: str | None = None
    whole: bool = False
    resume_from: str | None = None
    time_limit_seconds: float | None = None
    state_seconds: float = 600.0
    threads: int | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    rewards: tuple[Reward, ...] = ()
    check_memory: bool = True
    version: int = field(default=SPEC_VERSION)

    def __post_init__(self) -> None:
        if self.version != SPEC_VERSION:
            raise SpecError(f"version: this runner reads version {SPEC_VERSION}, not {self.version}")
        expected = parameters_type(self.technique, self.task)
        if type(self.parameters) is not expected:
            raise SpecError(f"parameters: {self.technique} {self.task} takes {expected.__name__}")
        if self.technique is Technique.GRPO and not self.rewards:
            raise SpecError("rewards: GRPO needs at least one")
        if self.time_limit_seconds is not None and not self.time_limit_seconds > 0:
            raise SpecError("time_limit_seconds: must be above zero")
        if self.threads is not None and self.threads < 1:
            raise SpecError("threads: must be at least 1")

    @property
    def events_file(self) -> Path:
        return Path(self.run_dir) / f"events-{self.attempt}.jsonl"

    @property
    def checkpoints_dir(self) -> Path:
        return Path(self.run_dir) / "checkpoints"

    @property
    def exports_dir(self) -> Path:
        return Path(self.run_dir) / "exports"


_PARAMETERS: dict[tuple[Technique, Task], type[Parameters]] = {
    (Technique.SFT, Task.TEXT_GENERATION): SftParameters,
    (Technique.DPO, Task.TEXT_GENERATION): DpoParameters,
    (Technique.GRPO, Task.TEXT_GENERATION): GrpoParameters,
    (Technique.SFT, Task.CLASSIFICATION): ClassificationParameters,
    (Technique.SFT, Task.REGRESSION): RegressionParameters,
    (Technique.SFT, Task.EMBEDDING): EmbeddingParameters,
}


def parameters_type(technique: Technique, task: Task) -> type[Parameters]:
    """The parameter class of a job kind. Raises SpecError where there is no such kind."""
    try:
        return _PARAMETERS[technique, task]
    except KeyError:
        raise SpecError(f"task: {technique} does not train {task}") from None


def parse_parameters(technique: Technique, task: Task, values: Mapping[str, Any]) -> Parameters:
    """Parameters from plain JSON values; absent ones take their defaults. Raises SpecError."""
    return typing.cast(Parameters, _decode(parameters_type(technique, task), values, "parameters"))


def to_json(spec: TrainingSpec) -> str:
    """The spec as indented JSON, every value explicit."""
    return json.dumps(dataclasses.asdict(spec), indent=2, ensure_ascii=False) + "\n"


def from_json(text: str) -> TrainingSpec:
    """Read what `to_json` wrote. Raises SpecError for anything else."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise SpecError(f"not JSON: {error}") from None
    return _decode_spec(document)


def read_spec(path: str | Path) -> TrainingSpec:
    """Read a spec file. Raises SpecError, also where the file cannot be read."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"cannot read {path}: {error}") from None
    return from_json(text)


def write_spec(spec: TrainingSpec, path: str | Path) -> None:
    Path(path).write_text(to_json(spec), encoding="utf-8")


def _decode_spec(document: Any) -> TrainingSpec:
    if not isinstance(document, dict):
        raise SpecError("must be a JSON object")
    if document.get("version") != SPEC_VERSION:  # before the fields: a newer spec has others
        raise SpecError(f"version: this runner reads version {SPEC_VERSION}, not {document.get('version')}")
    technique = _decode(Technique, document.get("technique"), "technique")
    task = _decode(Task, document.get("task"), "task")
    parameters = document.get("parameters")
    if not isinstance(parameters, dict):
        raise SpecError("parameters: must be an object")
    rest = {name: value for name, value in document.items() if name != "parameters"}
    values = _decode_fields(TrainingSpec, rest, "", given={"parameters"})
    return TrainingSpec(parameters=parse_parameters(technique, task, parameters), **values)


def _decode(kind: Any, value: Any, path: str) -> Any:
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise SpecError(f"{path}: must be an object")
        return typing.cast(Any, kind)(**_decode_fields(kind, value, f"{path}."))
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return None if value is None else _decode(typing.get_args(kind)[0], value, path)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise SpecError(f"{path}: must be a list")
        return tuple(_decode(typing.get_args(kind)[0], v, f"{path}[{i}]") for i, v in enumerate(value))
    return _decode_scalar(kind, value, path)


def _decode_scalar(kind: Any, value: Any, path: str) -> Any:
    if typing.get_origin(kind) is Literal or issubclass(kind, StrEnum):
        allowed = typing.get_args(kind) or tuple(kind)
        if value not in allowed:
            raise SpecError(f"{path}: must be one of {', '.join(map(str, allowed))}")
        return value if typing.get_args(kind) else kind(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise SpecError(f"{path}: must be {_NAMES[kind]}, not {value!r}")
    return value


_NAMES = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}


def _decode_fields(
    kind: Any, values: Mapping[str, Any], prefix: str, given: frozenset[str] | set[str] = frozenset()
) -> dict[str, Any]:
    """The keyword arguments for `kind`; the fields in `given` are supplied by the caller."""
    hints = typing.get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind) if f.name not in given}
    if unknown := sorted(set(values) - set(fields)):
        raise SpecError(f"{prefix}{unknown[0]}: unknown field")
    for name, spec_field in fields.items():
        if name not in values and spec_field.default is dataclasses.MISSING:
            raise SpecError(f"{prefix}{name}: is required")
    return {name: _decode(hints[name], value, f"{prefix}{name}") for name, value in values.items()}


def _refuse_sharding(parameters: Parameters, reason: str) -> None:
    if parameters.sharding != "none":
        raise SpecError(f"parameters.sharding: {reason}; several processes each hold all of it (none)")


def _at_least(parameters: Parameters, low: float, *names: str) -> None:
    for name in names:
        if not getattr(parameters, name) >= low:
            raise SpecError(f"parameters.{name}: must be at least {low}")


def _at_most(parameters: Parameters, high: float, *names: str) -> None:
    for name in names:
        if not getattr(parameters, name) <= high:
            raise SpecError(f"parameters.{name}: must be at most {high}")


def _below(parameters: Parameters, high: float, *names: str) -> None:
    for name in names:
        if not getattr(parameters, name) < high:
            raise SpecError(f"parameters.{name}: must be below {high}")


def _above_zero(parameters: Parameters, *names: str) -> None:
    for name in names:
        if not 0 < getattr(parameters, name) < float("inf"):
            raise SpecError(f"parameters.{name}: must be above zero and finite")
