"""Check a request against everything that can be known before a worker is touched. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from embassy.catalog import selectors as catalog
from embassy.catalog import weights
from embassy.catalog.base_model import BaseModel
from embassy.catalog.parameters import effective_parameters
from embassy.catalog.rules import ZERO_IS_UNSET
from embassy.datasets import selectors as datasets
from embassy.datasets.models import Dataset
from embassy.evaluation import registry
from embassy.evaluation.functions import ResolvedFunction
from embassy.platform.actor import Actor
from embassy.platform.errors import InvalidInput, NotFound
from embassy.platform.ids import new_id
from embassy.projects.models import Project
from embassy.training import head_rows, rebalance, selectors, spec
from embassy.training import selection as selections
from embassy.training.kinds import is_trainable, rows_needed, usual_functions, usual_technique
from embassy.training.models import Checkpoint, TrainingJob
from embassy.training.processes import check_processes
from embassy.training.requests import HF_MODEL, JobRequest
from embassy.training.reward_weights import checked_weights
from embassy.training.selection import Selection
from embassy.training.states import BaseModelOption, TaskType, Technique
from embassy.training.targets import Targets

# Handled before the run begins: the runner never hears of them.
_HANDLED_HERE = frozenset({"downsample_size"})
_NOT_THE_RUNNERS = {TaskType.CLASSIFICATION.value: _HANDLED_HERE | {"dynamic_loss"}}
_ADAPTER_SHAPE = ("lora_r", "lora_alpha", "use_rslora")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A request that holds; `parameters` has every parameter, `start` the checkpoint to go on from.

    `whole`: the results are whole models, because no engine could serve them as adapters of the base.
    """

    name: str
    technique: str
    task_type: str
    model: BaseModel
    start: Checkpoint | None
    whole: bool
    train: Dataset
    test: Dataset | None
    parameters: dict[str, Any]
    runner_parameters: dict[str, Any]
    test_functions: list[ResolvedFunction]
    reward: dict[str, float] | None
    targets: Targets | None
    rebalance: dict[str, float] | None
    selection: Selection | None
    time_limit_seconds: int


def make_plan(project: Project, request: JobRequest, actor: Actor) -> Plan:
    """Raises InvalidInput, NotFound or Unavailable with what is wrong."""
    train = _dataset(actor, project, request, "train_dataset_id")
    technique = request.technique or usual_technique(request.task_type, train.kind)
    start = _start(project, request, actor)
    model = catalog.get_base_model(start.job.base_model) if start else _base_model(request)
    _check_kind(request, technique, model)
    _check_rows(request, technique, train, "train_dataset_id")
    test = _test_dataset(actor, project, request, technique)
    parameters = _parameters(request, technique, model, start)
    stated = parameters if "multi_label" in request.parameters else {**parameters, "multi_label": None}
    targets = head_rows.targets_of(request.task_type, train, test, start, stated)
    if targets is not None and targets.multi_label:
        parameters["multi_label"] = True
    functions = _test_functions(request, actor, targets)
    return Plan(
        name=_name(project, request, technique, model),
        technique=technique,
        task_type=request.task_type,
        model=model,
        start=start,
        whole=not model.takes_adapters or (start is not None and not _keeps_adapter(start, parameters)),
        train=train,
        test=test,
        parameters=parameters,
        runner_parameters=_runner_parameters(request, technique, parameters),
        test_functions=functions,
        reward=_reward(request, technique, functions),
        targets=targets,
        rebalance=_rebalance(request, targets),
        selection=selections.checked(request.selection, functions, has_rows=_has_test_rows(request)),
        time_limit_seconds=_time_limit(request),
    )


def _time_limit(request: JobRequest) -> int:
    longest = settings.TRAINING_TIME_LIMIT
    if request.time_limit_seconds is not None and not 1 <= request.time_limit_seconds <= longest:
        raise InvalidInput(f"time_limit_seconds: must be from 1 to {longest}, the longest for any job.")
    return request.time_limit_seconds or longest


def _base_model(request: JobRequest) -> BaseModel:
    if request.hf_model_link:
        if request.base_model != HF_MODEL:
            raise InvalidInput(f"hf_model_link: only with base_model {HF_MODEL}. Leave one of the two out.")
        return weights.add_from_hub(request.hf_model_link)
    if request.base_model == HF_MODEL:
        raise InvalidInput(f"hf_model_link: base_model {HF_MODEL} needs the link of a Hugging Face model.")
    try:
        return catalog.get_base_model(request.base_model)
    except NotFound as error:
        raise InvalidInput(f"base_model: {error.message}", code="unknown_base_model") from None
    except InvalidInput as error:
        raise InvalidInput(f"base_model: {error.message}", code=error.code) from None


def _start(project: Project, request: JobRequest, actor: Actor) -> Checkpoint | None:
    if request.base_model_option == BaseModelOption.PRE_TRAINED:
        if request.checkpoint is not None:
            raise InvalidInput("checkpoint: only with base_model_option fine-tuned.")
        return None
    parent = _parent(project, request, actor)
    found = parent.checkpoints.select_related("job").order_by("-number")
    if request.checkpoint is not None:
        found = found.filter(number=request.checkpoint)
    start = found.first()
    if start is None:
        numbers = ", ".join(map(str, parent.checkpoints.values_list("number", flat=True))) or "none yet"
        wanted = f"checkpoint {request.checkpoint}" if request.checkpoint is not None else "checkpoint"
        raise InvalidInput(f"checkpoint: job {parent.name} has no {wanted}. It has: {numbers}.")
    return start


def _parent(project: Project, request: JobRequest, actor: Actor) -> TrainingJob:
    jobs = selectors.jobs_of(actor, project)
    parent = jobs.filter(name=request.base_model).first() or jobs.filter(public_id=request.base_model).first()
    if parent is None:
        raise InvalidInput(
            f"base_model: this project has no training job {request.base_model} to go on from.",
            code="unknown_base_model",
        )
    if parent.task_type != request.task_type:
        raise InvalidInput(f"task_type: job {parent.name} was trained for {parent.task_type}.")
    return parent


def _check_kind(request: JobRequest, technique: str, model: BaseModel) -> None:
    if request.task_type not in model.task_types:
        raise InvalidInput(
            f"task_type: {model.name} can be trained for {', '.join(model.task_types)},"
            f" not for {request.task_type}.",
            code="unsupported_task",
        )
    if not is_trainable(technique, request.task_type):
        raise InvalidInput(
            f"task_type: {request.task_type} cannot be trained with {technique} here.",
            code="unsupported_task",
        )
    if request.rebalance_data is not None and request.task_type != TaskType.CLASSIFICATION:
        raise InvalidInput("rebalance_data: only for task_type classification.")


def _parameters(
    request: JobRequest, technique: str, model: BaseModel, start: Checkpoint | None
) -> dict[str, Any]:
    given = _given(request, technique)
    if start is not None:
        given = {**_shape(start), **{name: value for name, value in given.items() if value is not None}}
    parameters: dict[str, Any] = effective_parameters(
        model, technique=technique, task_type=request.task_type, given=given
    )
    return parameters


def _given(request: JobRequest, technique: str) -> Mapping[str, Any]:
    """The parameters as asked for, with `dynamic_loss` as what it is in this kind of training."""
    if (technique, request.task_type) == (Technique.SFT, TaskType.TEXT_GENERATION):
        return request.parameters
    given = dict(request.parameters)
    if request.task_type == TaskType.CLASSIFICATION and "dynamic_loss" in given:
        given.setdefault("class_weighting", given["dynamic_loss"])
    elif given.get("dynamic_loss") is False:
        del given["dynamic_loss"]
    return given


def _shape(start: Checkpoint) -> dict[str, Any]:
    """The shape of the adapter to go on from: it is trained on as it is unless another shape is asked for."""
    parameters = start.job.parameters
    return {name: parameters[name] for name in _ADAPTER_SHAPE if name in parameters and not start.merged}


def _keeps_adapter(start: Checkpoint, parameters: Mapping[str, Any]) -> bool:
    """Whether what is trained is the very adapter of the checkpoint, and not a new one upon it."""
    shape = _shape(start)
    return not start.merged and all(parameters[name] == value for name, value in shape.items())


def _runner_parameters(request: JobRequest, technique: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    not_its = _NOT_THE_RUNNERS.get(request.task_type, _HANDLED_HERE)
    values = {
        name: value
        for name, value in parameters.items()
        if name not in not_its and not (name in ZERO_IS_UNSET and not value)
    }
    try:
        checked = spec.parse_parameters(spec.Technique(technique), spec.Task(request.task_type), values)
    except spec.SpecError as error:
        raise InvalidInput(f"{error}.", code="invalid_parameter") from None
    check_processes(checked)
    return values


def _name(project: Project, request: JobRequest, technique: str, model: BaseModel) -> str:
    name = (request.name or "").strip()
    if not name:
        return f"{model.name.rpartition('/')[2][:80]}-{technique.lower()}-{new_id('')[:6]}"
    if TrainingJob.objects.filter(project=project, name=name).exists():
        raise name_taken(name)
    return name


def name_taken(name: str) -> InvalidInput:
    return InvalidInput(
        f"name: this project has a training job {name} already. Choose another name.", code="name_taken"
    )


def _dataset(actor: Actor, project: Project, request: JobRequest, field: str) -> Dataset:
    public_id = getattr(request, field)
    try:
        dataset = datasets.get_dataset(actor, project, public_id)
    except NotFound:
        raise InvalidInput(
            f"{field}: this project has no dataset {public_id}.", code="unknown_dataset"
        ) from None
    if not dataset.is_uploaded:
        raise InvalidInput(
            f"{field}: dataset {dataset.name} is not uploaded yet. Upload its file first.",
            code="dataset_not_uploaded",
        )
    return dataset


def _check_rows(request: JobRequest, technique: str, dataset: Dataset, field: str) -> None:
    needed = rows_needed(technique, request.task_type)
    if dataset.kind != needed:
        raise InvalidInput(
            f"{field}: dataset {dataset.name} holds {dataset.kind}; {technique} for"
            f" {request.task_type} needs {needed.value}.",
            code="wrong_kind_of_dataset",
        )


def _test_dataset(actor: Actor, project: Project, request: JobRequest, technique: str) -> Dataset | None:
    ratio = request.train_test_split_ratio
    if ratio is not None and not 0 < ratio < 100:
        raise InvalidInput("train_test_split_ratio: must be above 0 and below 100 (percent for testing).")
    if request.test_dataset_id is None:
        return None
    if ratio is not None:
        raise InvalidInput("train_test_split_ratio: give this or test_dataset_id, not both.")
    dataset = _dataset(actor, project, request, "test_dataset_id")
    _check_rows(request, technique, dataset, "test_dataset_id")
    return dataset


def _has_test_rows(request: JobRequest) -> bool:
    return request.test_dataset_id is not None or request.train_test_split_ratio is not None


def _test_functions(request: JobRequest, actor: Actor, targets: Targets | None) -> list[ResolvedFunction]:
    multi_label = targets is not None and targets.multi_label
    usual = usual_functions(request.task_type, multi_label=multi_label) if _has_test_rows(request) else ()
    names = request.test_functions or usual
    try:
        return registry.resolve(actor, names)
    except InvalidInput as error:
        raise InvalidInput(f"test_functions: {error.message}", code=error.code) from None


def _reward(
    request: JobRequest, technique: str, functions: list[ResolvedFunction]
) -> dict[str, float] | None:
    if technique != Technique.GRPO:
        return None
    if errors := [function.name for function in functions if not function.higher_is_better]:
        raise InvalidInput(
            f"test_functions: {', '.join(errors)} measures errors; a reward must grow with what is right.",
            code="invalid_reward",
        )
    return checked_weights(request.reward or {}, [function.name for function in functions])


def _rebalance(request: JobRequest, targets: Targets | None) -> dict[str, float] | None:
    if request.rebalance_data is None or targets is None:
        return None
    return rebalance.checked(request.rebalance_data, targets.labels, multi_label=targets.multi_label)
