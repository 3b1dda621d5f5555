"""The catalog's rules and the runner's parameters are written in two places: here they are held together."""

import dataclasses

import pytest

from embassy.catalog.parameters import effective_parameters
from embassy.catalog.rules import ZERO_IS_UNSET
from embassy.catalog.selectors import list_base_models
from embassy.training.spec import SpecError, Task, Technique, parameters_type, parse_parameters

KINDS = [
    (technique, task)
    for technique in Technique
    for task in Task
    if technique is Technique.SFT or task is Task.TEXT_GENERATION
]
CONTROL_PLANE_ONLY = {"downsample_size"}


@pytest.mark.parametrize(("technique", "task"), KINDS)
def test_every_rule_is_a_parameter_of_the_runner_and_the_other_way_round(
    technique: Technique, task: Task
) -> None:
    for model in list_base_models():
        if task in model.task_types:
            names = {rule.name for rule in model.rules(technique, task)} - CONTROL_PLANE_ONLY
            assert names == {field.name for field in dataclasses.fields(parameters_type(technique, task))}


@pytest.mark.parametrize(("technique", "task"), KINDS)
def test_the_runner_takes_every_default(technique: Technique, task: Task) -> None:
    for model in list_base_models():
        if task in model.task_types:
            values = effective_parameters(model, technique=technique, task_type=task, given={})
            kept = {
                name: value
                for name, value in values.items()
                if name not in CONTROL_PLANE_ONLY and not (name in ZERO_IS_UNSET and not value)
            }
            parse_parameters(technique, task, kept)


def test_the_runner_refuses_what_contradicts_itself() -> None:
    with pytest.raises(SpecError):
        parse_parameters(Technique.SFT, Task.TEXT_GENERATION, {"full_fine_tuning": True, "use_dora": True})
