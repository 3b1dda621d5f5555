"""The form of a training job: its fields as they came → the request that the service takes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from embassy.catalog.rules import Rule
from embassy.catalog.selectors import get_base_model
from embassy.platform.actor import Actor
from embassy.platform.errors import InvalidInput, NotFound
from embassy.projects.models import Project
from embassy.training import kinds
from embassy.training.models import TrainingJob
from embassy.training.requests import JobRequest
from embassy.training.selection import Keep
from embassy.training.selectors import jobs_of
from embassy.training.states import BaseModelOption, JobStatus, Technique

OWN = "own:"  # before the name of a training job to go on from
MAIN = ("learning_rate", "num_train_epochs", "per_device_train_batch_size", "max_length", "lora_r")
DEFAULT_KIND = "SFT text-generation"


@dataclass(frozen=True)
class Field:
    """One parameter with what the visitor wrote; empty: the default."""

    rule: Rule
    value: str

    @property
    def checked(self) -> bool:
        return self.value == "true" if self.value else bool(self.rule.default)


@dataclass(frozen=True)
class Fields:
    main: list[Field] = field(default_factory=list)
    more: list[Field] = field(default_factory=list)


def kinds_of_training() -> list[str]:
    return [f"{technique} {task}" for technique, task in kinds.ROWS]


def finished_jobs(actor: Actor, project: Project) -> Iterable[TrainingJob]:
    return jobs_of(actor, project).filter(status=JobStatus.SUCCESS).order_by("-id")


def fields_of(actor: Actor, project: Project, data: QueryDict) -> Fields:
    """Empty for a model or kind of training that there is not: creating the job says so."""
    technique, task = _kind(data)
    name = _base_name(actor, project, data.get("base_model", ""))
    try:
        rules = get_base_model(name).rules(technique, task)
    except (NotFound, KeyError):
        return Fields()
    shown = [Field(rule, data.get(f"p.{rule.name}", "")) for rule in rules]
    return Fields(
        main=[f for f in shown if f.rule.name in MAIN], more=[f for f in shown if f.rule.name not in MAIN]
    )


def request_of(data: QueryDict) -> JobRequest:
    """Raises InvalidInput for what is no number where one is wanted."""
    technique, task = _kind(data)
    base, own = data.get("base_model", ""), data.get("base_model", "").startswith(OWN)
    functions = tuple(data.getlist("test_functions"))
    tests = data.get("tests", "none")
    return JobRequest(
        base_model=base.removeprefix(OWN),
        base_model_option=BaseModelOption.FINE_TUNED if own else BaseModelOption.PRE_TRAINED,
        train_dataset_id=data.get("train_dataset_id", ""),
        test_dataset_id=data.get("test_dataset_id") or None if tests == "existing" else None,
        train_test_split_ratio=_number("split", data.get("split", "")) if tests == "split" else None,
        test_functions=functions if tests != "none" or technique == Technique.GRPO else (),
        name=data.get("name") or None,
        description=data.get("description", ""),
        technique=technique,
        task_type=task,
        parameters=_parameters(data),
        reward=_reward(functions, data) if technique == Technique.GRPO else None,
        selection=_selection(data) if tests != "none" else None,
    )


def _kind(data: QueryDict) -> tuple[str, str]:
    technique, _, task = (data.get("kind") or DEFAULT_KIND).partition(" ")
    return technique, task


def _base_name(actor: Actor, project: Project, value: str) -> str:
    if not value.startswith(OWN):
        return value
    job = jobs_of(actor, project).filter(name=value.removeprefix(OWN)).first()
    return job.base_model if job else ""


def _parameters(data: QueryDict) -> dict[str, Any]:
    given = {key.removeprefix("p."): value for key, value in data.items() if key.startswith("p.")}
    return {name: _value(str(value)) for name, value in given.items() if value != ""}


def _value(text: str) -> int | float | str:
    """The rules say what a parameter must be; here only what looks like a number becomes one."""
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _reward(functions: Iterable[str], data: QueryDict) -> dict[str, float]:
    return {name: _number(f"weight of {name}", data.get(f"w.{name}", "")) for name in functions}


def _selection(data: QueryDict) -> dict[str, Any]:
    """Only what was filled in: the rest is as usual."""
    asked: dict[str, Any] = {}
    if data.get("selects"):
        asked["test_function"] = data["selects"]
    if data.get("patience"):
        asked["early_stopping_patience"] = _value(str(data["patience"]))
    if data.get("keep_best"):
        asked["keep"] = Keep.BEST.value
    return asked


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(f"{name}: write a number, not {text!r}.") from None
