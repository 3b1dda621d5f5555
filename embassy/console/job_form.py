"""The form of a training job: its fields as they came → the request that the service takes."""

import re
from typing import Any

from django import forms
from django.http import QueryDict

from embassy.console.field_errors import Errors, invalid_form
from embassy.console.field_errors import errors_of as errors_by_field
from embassy.platform.errors import EmbassyError
from embassy.training.requests import HF_MODEL, JobRequest
from embassy.training.selection import Keep
from embassy.training.states import BaseModelOption, Technique

OWN = "own:"  # before the name of a training job to go on from
DEFAULT_KIND = "SFT text-generation"
# The ways to change a model's weights, as the parameters that stand for them.
METHODS: dict[str, dict[str, bool]] = {
    "lora": {},
    "qlora": {"load_in_4bit": True},
    "dora": {"use_dora": True},
    "qdora": {"use_dora": True, "load_in_4bit": True},
    "full": {"full_fine_tuning": True},
}
METHOD_PARAMETERS = frozenset({"load_in_4bit", "use_dora", "full_fine_tuning"})

# What services call differently than the form does.
_FIELDS = {
    "technique": "kind",
    "task_type": "kind",
    "train_test_split_ratio": "split",
    "reward": "test_functions",
    "rebalance_data": "rebalance",
    "time_limit_seconds": "minutes",
    "selection": "selects",
    "selection.test_function": "selects",
    "selection.higher_is_better": "higher",
    "selection.early_stopping_patience": "patience",
    "selection.min_delta": "min_delta",
    "selection.keep": "keep_best",
}
_SAME = frozenset(
    {
        *("name", "description", "base_model", "checkpoint", "hf_model_link"),
        *("train_dataset_id", "test_dataset_id", "test_functions"),
    }
)
_SHARE = re.compile(r"(.+?)\s*[=:,\t]\s*([^=:,\t]+)")


class JobFields(forms.Form):
    """Fields that every job has; those of parameters (`p.…`) and weights (`w.…`) depend on choices."""

    name = forms.CharField(max_length=120, required=False)
    description = forms.CharField(max_length=4000, required=False)
    base_model = forms.CharField(
        max_length=200, error_messages={"required": "Choose the model to start from."}
    )
    checkpoint = forms.IntegerField(min_value=1, required=False)
    hf_model_link = forms.CharField(max_length=300, required=False)
    train_dataset_id = forms.CharField(max_length=40, error_messages={"required": "Choose a data set."})
    test_dataset_id = forms.CharField(max_length=40, required=False)
    split = forms.FloatField(required=False, error_messages={"invalid": "Write a number of percent."})
    minutes = forms.FloatField(required=False, min_value=1 / 60)
    selects = forms.CharField(max_length=120, required=False)
    higher = forms.ChoiceField(choices=[("", ""), ("true", ""), ("false", "")], required=False)
    patience = forms.IntegerField(required=False, min_value=1)
    min_delta = forms.FloatField(required=False, min_value=0)
    rebalance = forms.CharField(max_length=20_000, required=False)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = self.cleaned_data
        if self.data.get("tests") == "split" and values.get("split") is None and "split" not in self.errors:
            self.add_error("split", "Write how many percent of the rows are held back.")
        if self.data.get("tests") == "existing" and not values.get("test_dataset_id"):
            self.add_error("test_dataset_id", "Choose the data set to test with.")
        return values


def kind_of(data: QueryDict) -> tuple[str, str]:
    """Technique and task."""
    technique, _, task = (data.get("kind") or DEFAULT_KIND).partition(" ")
    return technique, task


def request_of(data: QueryDict) -> JobRequest:
    """Raises InvalidInput with all fields that do not even look right; see `errors_of`."""
    fields, errors = JobFields(data), Errors()
    if not fields.is_valid():
        errors |= {str(name): str(messages[0]) for name, messages in fields.errors.items()}
    if any("\0" in value for _, values in data.lists() for value in values):
        errors[""] = "There are null characters in what was written. Remove them."
    technique, _ = kind_of(data)
    reward = _reward(data, errors) if technique == Technique.GRPO else None
    shares = _rebalance(str(fields.cleaned_data.get("rebalance") or ""), errors)
    if errors:
        raise invalid_form(errors)
    return _request(data, fields.cleaned_data, reward, shares)


def errors_of(error: EmbassyError) -> Errors:
    """What is wrong, by the form's field; what no field is about under the empty name."""
    return errors_by_field(error, _field_of)


def _field_of(name: str) -> str | None:
    parameter = name.removeprefix("parameters.")
    if parameter != name:
        return "method" if parameter in METHOD_PARAMETERS else f"p.{parameter}"
    return name if name in _SAME else _FIELDS.get(name)


def _request(
    data: QueryDict,
    values: dict[str, Any],
    reward: dict[str, float] | None,
    shares: dict[str, float] | None,
) -> JobRequest:
    technique, task = kind_of(data)
    base, tests = values["base_model"], data.get("tests", "none")
    own = base.startswith(OWN)
    functions = tuple(dict.fromkeys(data.getlist("test_functions")))
    return JobRequest(
        base_model=base.removeprefix(OWN),
        base_model_option=BaseModelOption.FINE_TUNED if own else BaseModelOption.PRE_TRAINED,
        checkpoint=values["checkpoint"] if own else None,
        hf_model_link=values["hf_model_link"] or None if base == HF_MODEL else None,
        train_dataset_id=values["train_dataset_id"],
        test_dataset_id=values["test_dataset_id"] or None if tests == "existing" else None,
        train_test_split_ratio=values["split"] if tests == "split" else None,
        test_functions=functions if tests != "none" or technique == Technique.GRPO else (),
        name=values["name"] or None,
        description=values["description"],
        technique=technique,
        task_type=task,
        parameters=_parameters(data),
        rebalance_data=shares if task == "classification" else None,
        reward=reward,
        selection=_selection(data, values) if tests != "none" else None,
        time_limit_seconds=max(1, round(60 * values["minutes"])) if values["minutes"] else None,
    )


def _parameters(data: QueryDict) -> dict[str, Any]:
    """Only what was filled in: the rest is as usual."""
    given = {key.removeprefix("p."): str(value) for key, value in data.items() if key.startswith("p.")}
    asked: dict[str, Any] = {name: _value(value) for name, value in given.items() if value.strip() != ""}
    return asked | METHODS.get(data.get("method", ""), {})


def _value(text: str) -> int | float | str:
    """The rules say what a parameter must be; here only what looks like a number becomes one."""
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _reward(data: QueryDict, errors: Errors) -> dict[str, float]:
    weights: dict[str, float] = {}
    for name in data.getlist("test_functions"):
        text = data.get(f"w.{name}", "")
        try:
            weights[name] = float(text)
        except ValueError:
            errors["test_functions"] = f"Give {name} a weight: a number from 0 to 1."
    if not data.getlist("test_functions"):
        errors["test_functions"] = "Choose at least one function: its scores are the reward."
    return weights


def _rebalance(text: str, errors: Errors) -> dict[str, float] | None:
    """Lines such as `spam = 0.5`; None if there are none."""
    shares: dict[str, float] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            label, value = _label_and_value(line)
        except ValueError:
            errors["rebalance"] = f"Line {number} is not of the form label = number."
            return None
        shares[label] = value
    return shares or None


def _label_and_value(line: str) -> tuple[str, float]:
    """Raises ValueError."""
    found = _SHARE.fullmatch(line.strip())
    if found is None:
        raise ValueError(line)
    return found[1].strip(), float(found[2])


def _selection(data: QueryDict, values: dict[str, Any]) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "test_function": values["selects"] or None,
        "higher_is_better": {"true": True, "false": False}.get(values["higher"]),
        "early_stopping_patience": values["patience"],
        "min_delta": values["min_delta"],
        "keep": Keep.BEST.value if data.get("keep_best") else None,
    }
    return {name: value for name, value in asked.items() if value is not None}
