"""An earlier training job → the fields of the form, to start again with changes."""

from typing import Any

from django.conf import settings
from django.http import QueryDict

from embassy.console.job_form import METHOD_PARAMETERS, METHODS, OWN
from embassy.console.job_parameters import base_model_of
from embassy.evaluation import registry
from embassy.training.models import TrainingJob
from embassy.training.selection import Keep, Selection
from embassy.training.states import BaseModelOption


def data_of(job: TrainingJob) -> QueryDict:
    """All but the name, which must be another one. What is as usual stays empty."""
    data = QueryDict(mutable=True)
    for name, value in {**_what(job), **_tests(job), **_selection(job), **_parameters(job)}.items():
        if value not in (None, ""):
            data[name] = str(value)
    data.setlist("test_functions", list(job.test_functions))
    for name, weight in (job.reward or {}).items():
        data[f"w.{name}"] = f"{weight:g}"
    return data


def _what(job: TrainingJob) -> dict[str, Any]:
    own = job.base_model_option == BaseModelOption.FINE_TUNED
    seconds = job.spec.get("time_limit_seconds", settings.TRAINING_TIME_LIMIT)
    shares = job.spec.get("rebalance_data") or {}
    return {
        "description": job.description,
        "base_model": f"{OWN}{job.base_fine_tuned_model}" if own else job.base_model,
        "checkpoint": job.base_fine_tuned_model_checkpoint,
        "kind": f"{job.technique} {job.task_type}",
        "train_dataset_id": job.train_dataset.public_id if job.train_dataset else "",
        "minutes": "" if seconds == settings.TRAINING_TIME_LIMIT else f"{seconds / 60:.6g}",
        "rebalance": "\n".join(f"{label} = {value:g}" for label, value in shares.items()),
    }


def _tests(job: TrainingJob) -> dict[str, Any]:
    if job.train_test_split_ratio is not None:
        return {"tests": "split", "split": f"{job.train_test_split_ratio:g}"}
    if "test" in job.datasets:
        return {
            "tests": "existing",
            "test_dataset_id": job.test_dataset.public_id if job.test_dataset else "",
        }
    return {"tests": "none"}


def _selection(job: TrainingJob) -> dict[str, Any]:
    chosen = Selection.of(job.spec)
    if chosen is None:
        return {}
    usual = registry.higher_is_better(chosen.test_function)
    return {
        "selects": chosen.test_function,
        "higher": "" if chosen.higher_is_better == usual else str(chosen.higher_is_better).lower(),
        "patience": chosen.early_stopping_patience,
        "min_delta": f"{chosen.min_delta:g}" if chosen.min_delta else "",
        "keep_best": "true" if chosen.keep == Keep.BEST else "",
    }


def _parameters(job: TrainingJob) -> dict[str, Any]:
    """Those that differ from what the base model's rules say."""
    model = base_model_of(job.base_model)
    rules = model.rules(job.technique, job.task_type) if model else ()
    usual = {rule.name: rule.default for rule in rules}
    changed = {name: value for name, value in job.parameters.items() if usual.get(name) != value}
    switched = {name: True for name in METHOD_PARAMETERS if job.parameters.get(name)}
    method = next((name for name, on in METHODS.items() if on == switched), "lora")
    shown = {f"p.{name}": _text(value) for name, value in changed.items() if name not in METHOD_PARAMETERS}
    return {**shown, "method": method}


def _text(value: Any) -> str:
    """As a number field shows it, which knows no `True` and no `1.0`."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)
