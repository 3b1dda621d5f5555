"""The parameters of a job: what differs from the usual first, and what the trainer made of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embassy.catalog.selectors import get_base_model
from embassy.platform.errors import EmbassyError
from embassy.training.models import TrainingJob


@dataclass(frozen=True)
class Parameter:
    """`used` is what the trainer took, where that is not what the job says; else None."""

    name: str
    value: Any
    default: Any
    meaning: str
    is_chosen: bool
    used: Any = None


def parameters_of(job: TrainingJob, used: Mapping[str, Any] | None = None) -> list[Parameter]:
    """Those that somebody chose come first. `used` is what the newest checkpoint was made with."""
    rules = _rules(job)
    resolved = used or job.spec.get("parameters") or {}
    found = []
    for name, value in job.parameters.items():
        rule = rules.get(name)
        default = rule.default if rule else None
        took = resolved.get(name, value)
        found.append(
            Parameter(
                name=name,
                value=value,
                default=default,
                meaning=rule.meaning if rule else "",
                is_chosen=rule is not None and value != default,
                used=took if took != value else None,
            )
        )
    return sorted(found, key=lambda parameter: (not parameter.is_chosen, parameter.name))


def _rules(job: TrainingJob) -> dict[str, Any]:
    """Empty where the base model is no longer there."""
    try:
        rules = get_base_model(job.base_model).rules(job.technique, job.task_type)
    except (EmbassyError, KeyError):
        return {}
    return {rule.name: rule for rule in rules}
