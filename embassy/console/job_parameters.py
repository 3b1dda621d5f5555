"""The parameters of a training job, as the fields of a form."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.http import QueryDict

from embassy.catalog.base_model import BaseModel
from embassy.catalog.rules import Rule
from embassy.catalog.selectors import get_base_model
from embassy.console.job_form import METHOD_PARAMETERS, OWN, kind_of
from embassy.platform.actor import Actor
from embassy.platform.errors import InvalidInput, NotFound
from embassy.projects.models import Project
from embassy.training.models import TrainingJob
from embassy.training.selectors import jobs_of

# An adapter that is trained on keeps its shape unless another is asked for.
_SHAPE = ("lora_r", "lora_alpha", "use_rslora")
_BASIC = "Basic"
_GROUPS: dict[str, tuple[str, ...]] = {
    _BASIC: (
        *("learning_rate", "num_train_epochs", "per_device_train_batch_size", "max_length", "lora_r"),
        *("num_generations", "max_completion_length", "temperature", "beta", "loss", "multi_label"),
        "class_weighting",
    ),
    "Optimizer": (
        *("gradient_accumulation_steps", "warmup_ratio", "lr_scheduler_type", "weight_decay"),
        *("max_grad_norm", "neftune_noise_alpha", "dynamic_loss", "loss_type", "label_smoothing"),
    ),
    "Adapter": ("lora_alpha", "lora_dropout", "use_rslora"),
    "Sampling and rewards": (
        *("top_p", "epsilon", "epsilon_high", "scale_rewards", "mask_truncated_completions"),
        *("generation", "vllm_memory_share"),
    ),
    "Memory and machines": (
        *("gradient_checkpointing", "per_device_eval_batch_size", "num_processes", "sharding"),
    ),
}
_OTHERS = "More"
_ELSEWHERE = METHOD_PARAMETERS | {"seed"}  # the form has other fields for these


@dataclass(frozen=True)
class Field:
    """One parameter with what the visitor wrote; empty: the default."""

    rule: Rule
    value: str

    @property
    def key(self) -> str:
        return f"p.{self.rule.name}"

    @property
    def usual(self) -> str:
        """The default in words."""
        return ("on" if self.rule.default else "off") if self.rule.kind == "boolean" else ""


@dataclass(frozen=True)
class Group:
    title: str
    fields: list[Field]

    @property
    def changed(self) -> int:
        return sum(bool(field.value) for field in self.fields)


@dataclass(frozen=True)
class Fields:
    """`basic` are the ones that most people set; nothing at all for a kind that the model is not made for."""

    basic: list[Field] = field(default_factory=list)
    more: list[Group] = field(default_factory=list)
    seed: Field | None = None

    @property
    def changed(self) -> int:
        """Of those that are folded away."""
        return sum(group.changed for group in self.more)


def fields_of(actor: Actor, project: Project, data: QueryDict) -> Fields:
    """Empty for a model or kind of training that there is not: creating the job says so."""
    job = job_of(actor, project, data.get("base_model", ""))
    model = base_model_of(job.base_model if job else data.get("base_model", ""))
    if model is None:
        return Fields()
    try:
        rules = model.rules(*kind_of(data))
    except KeyError:
        return Fields()
    shown = {rule.name: _field(rule, data, job) for rule in rules}
    groups = _grouped([f for f in shown.values() if f.rule.name not in _ELSEWHERE])
    return Fields(groups[0].fields, groups[1:], shown.get("seed"))


def base_model_of(name: str) -> BaseModel | None:
    """None for one that there is not, or that cannot be used."""
    try:
        return get_base_model(name)
    except (NotFound, InvalidInput, ValueError):  # a null byte is part of no name of a folder
        return None


def job_of(actor: Actor, project: Project, value: str) -> TrainingJob | None:
    """The job to go on from, if that is what was chosen."""
    name = value.removeprefix(OWN).replace("\0", "")
    return jobs_of(actor, project).filter(name=name).first() if value.startswith(OWN) else None


def _field(rule: Rule, data: QueryDict, job: TrainingJob | None) -> Field:
    if job is not None and rule.name in _SHAPE and rule.name in job.parameters:
        rule = rule.with_default(job.parameters[rule.name])
    return Field(rule, data.get(f"p.{rule.name}", ""))


def _grouped(fields: Iterable[Field]) -> list[Group]:
    """The basic ones first; what no group names comes last, so that none is missing."""
    groups: dict[str, list[Field]] = {title: [] for title in (*_GROUPS, _OTHERS)}
    title_of = {name: title for title, names in reversed(_GROUPS.items()) for name in names}
    for shown in fields:
        groups[title_of.get(shown.rule.name, _OTHERS)].append(shown)
    return [Group(title, members) for title, members in groups.items() if members or title == _BASIC]
