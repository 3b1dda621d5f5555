"""Each kind of training is known everywhere it must be: see docs/adding-a-task-type.md."""

import pytest

from embassy.catalog.rules import RECIPES, recipe_name
from embassy.catalog.selectors import list_base_models
from embassy.engines.keys import kind_of
from embassy.evaluation.metrics import registry
from embassy.evaluation.task_types import TaskType
from embassy.training.kinds import ROWS
from embassy.training.runner.__main__ import TRAINERS
from embassy.training.runner.preload import _LIBRARIES
from embassy.training.spec import Task, parameters_type


def test_the_trainer_knows_the_same_tasks() -> None:
    assert {str(task) for task in Task} == set(TaskType.values)


def test_the_trainer_trains_what_may_be_asked_for() -> None:
    assert {(str(technique), str(task)) for technique, task in TRAINERS} == set(ROWS)


@pytest.mark.parametrize(("technique", "task"), list(TRAINERS))
def test_it_has_parameters_rules_and_a_place_in_the_standby(technique: str, task: str) -> None:
    parameters_type(technique, task)  # type: ignore[arg-type] # a StrEnum each
    assert recipe_name(technique, task) in RECIPES
    assert f"embassy.training.runner.{TRAINERS[technique, task]}" in _LIBRARIES  # type: ignore[index]


@pytest.mark.parametrize("task", TaskType.values)
def test_it_can_be_measured_served_and_trained(task: str) -> None:
    assert registry.report(task, []).rows == 0
    assert kind_of(task)
    assert any(task in model.task_types for model in list_base_models())
