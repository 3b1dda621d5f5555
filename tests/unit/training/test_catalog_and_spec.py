"""The catalog's rules and the runner's parameters are written in two places: here they are held together."""

import ast
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from embassy.catalog.parameters import effective_parameters
from embassy.catalog.rules import RECIPES, ZERO_IS_UNSET, recipe_name
from embassy.catalog.selectors import list_base_models
from embassy.training.spec import SpecError, Task, Technique, parameters_type, parse_parameters

KINDS = [
    (technique, task)
    for technique in Technique
    for task in Task
    if technique is Technique.SFT or task is Task.TEXT_GENERATION
]
RUNNER = Path(__file__).resolve().parents[3] / "embassy" / "training"


def handled_before(task: Task) -> set[str]:
    """What the control plane keeps to itself."""
    return {"downsample_size"} | ({"dynamic_loss"} if task is Task.CLASSIFICATION else set())


def runners(values: Mapping[str, Any], task: Task) -> dict[str, Any]:
    handled = handled_before(task)
    return {
        name: value
        for name, value in values.items()
        if name not in handled and not (name in ZERO_IS_UNSET and not value)
    }


@pytest.mark.parametrize(("technique", "task"), KINDS)
def test_every_rule_is_a_parameter_of_the_runner_and_the_other_way_round(
    technique: Technique, task: Task
) -> None:
    for model in list_base_models():
        if task in model.task_types:
            names = {rule.name for rule in model.rules(technique, task)} - handled_before(task)
            assert names == {field.name for field in dataclasses.fields(parameters_type(technique, task))}


@pytest.mark.parametrize(("technique", "task"), KINDS)
def test_the_runner_takes_every_default(technique: Technique, task: Task) -> None:
    for model in list_base_models():
        if task in model.task_types:
            values = effective_parameters(model, technique=technique, task_type=task, given={})
            parse_parameters(technique, task, runners(values, task))


# These depend on one another, which the runner says when they do not fit together.
TOGETHER = {
    "num_generations",
    "max_completion_length",
    "max_length",
    "per_device_train_batch_size",
    "sharding",
}


@pytest.mark.parametrize(("technique", "task"), KINDS)
@pytest.mark.parametrize("end", ["minimum", "maximum"])
def test_the_runner_takes_both_ends_of_every_range(technique: Technique, task: Task, end: str) -> None:
    for rule in RECIPES[recipe_name(technique, task)]:
        bound = getattr(rule, end)
        if bound is not None and rule.name not in TOGETHER:
            value = int(bound) if rule.kind == "integer" else float(bound)
            parse_parameters(technique, task, runners({rule.name: value}, task))


@pytest.mark.parametrize(("technique", "task"), KINDS)
def test_the_runner_takes_every_choice(technique: Technique, task: Task) -> None:
    for rule in RECIPES[recipe_name(technique, task)]:
        if rule.name not in TOGETHER:
            for choice in rule.choices:
                parse_parameters(technique, task, {rule.name: choice})


@pytest.mark.parametrize(("technique", "task"), KINDS)
def test_every_parameter_is_read_where_it_trains(technique: Technique, task: Task) -> None:
    """A parameter that nobody reads would be accepted and do nothing."""
    sources = [path for path in RUNNER.rglob("*.py") if path.name != "spec.py"]
    read = {
        node.attr
        for path in sources
        if "runner" in path.parts or path.name == "launch.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
    }
    assert {field.name for field in dataclasses.fields(parameters_type(technique, task))} <= read


def test_the_runner_refuses_what_contradicts_itself() -> None:
    with pytest.raises(SpecError):
        parse_parameters(Technique.SFT, Task.TEXT_GENERATION, {"full_fine_tuning": True, "use_dora": True})
