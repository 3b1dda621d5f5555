import pytest

from embassy.catalog.base_model import BaseModel
from embassy.catalog.parameters import effective_parameters
from embassy.catalog.rules import RECIPES, Rule
from embassy.catalog.selectors import get_base_model, list_base_models
from embassy.platform.errors import InvalidInput

TINY = get_base_model("tiny-llama-instruct")


def check(**given: object) -> dict[str, object]:
    return dict(effective_parameters(TINY, technique="SFT", task_type="text-generation", given=given))


def test_given_values_over_defaults() -> None:
    parameters = check(num_train_epochs=7)

    assert parameters["num_train_epochs"] == 7
    assert parameters["learning_rate"] == 3e-3


def test_template_may_be_sent_back_as_it_is_shown() -> None:
    assert check(**TINY.parameter_template) == check()


@pytest.mark.parametrize("value", [True, "true", "True"])
def test_booleans_may_be_text(value: object) -> None:
    assert check(dynamic_loss=value)["dynamic_loss"] is True


def test_whole_numbers_may_be_written_with_a_point() -> None:
    value = check(num_train_epochs=3.0)["num_train_epochs"]

    assert value == 3
    assert isinstance(value, int)


def test_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(InvalidInput, match="Did you mean learning_rate") as caught:
        check(learning_rat=1)
    assert caught.value.code == "unknown_parameter"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("learning_rate", 5, "a number from 1e-08 to 0.1"),
        ("learning_rate", "fast", "a number from"),
        ("learning_rate", True, "a number from"),
        ("num_train_epochs", 0, "a whole number from 1 to 100"),
        ("num_train_epochs", 1.5, "a whole number from 1 to 100"),
        ("num_train_epochs", float("nan"), "a whole number from 1 to 100"),
        ("max_length", 2000, "a whole number from 8 to 1024"),
        ("lr_scheduler_type", "steep", "one of linear, cosine"),
        ("use_dora", "perhaps", "true or false"),
        ("use_dora", 1, "true or false"),
    ],
)
def test_wrong_value_gets_the_range(name: str, value: object, said: str) -> None:
    with pytest.raises(InvalidInput, match=f"parameters.{name}: must be {said}") as caught:
        check(**{name: value})
    assert caught.value.code == "invalid_parameter"


@pytest.mark.parametrize("model", list_base_models(), ids=lambda model: model.name)
def test_defaults_lie_in_their_ranges(model: BaseModel) -> None:
    for task in model.task_types:
        defaults = {rule.name: rule.default for rule in model.rules("SFT", task)}
        assert effective_parameters(model, technique="SFT", task_type=task, given=defaults) == defaults


@pytest.mark.parametrize("rules", RECIPES.values(), ids=RECIPES.keys())
def test_each_rule_once_and_explained(rules: tuple[Rule, ...]) -> None:
    names = [rule.name for rule in rules]

    assert len(names) == len(set(names))
    assert all(rule.meaning.endswith(".") for rule in rules)
