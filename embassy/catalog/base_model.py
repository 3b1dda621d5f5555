"""One base model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from embassy.catalog.rules import RECIPES, Rule, Value, as_template, recipe_name

Type = Literal["completion", "classification", "embeddings", "chat"]
TEXT_TASKS = ("text-generation", "classification", "regression")


@dataclass(frozen=True)
class BaseModel:
    """`context_length` is in tokens, `size_parameters` a count; `dtype` is what it is served in.

    `defaults` overrides, for a kind of training, the defaults of its rules. `hf_id` is empty for a model
    that is only a folder. Where `takes_adapters` is false no engine serves adapters on it: what is trained on
    it is merged.
    """

    name: str
    type: Type
    hf_id: str
    context_length: int
    size_parameters: int
    dtype: str
    task_types: tuple[str, ...] = TEXT_TASKS
    support_serverless: bool = False
    takes_adapters: bool = True
    defaults: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)

    @property
    def parameter_template(self) -> dict[str, Any]:
        """Defaults by name, of what this model is mostly trained for."""
        return as_template(self.rules("SFT", self.task_types[0]))

    def rules(self, technique: str, task_type: str) -> tuple[Rule, ...]:
        """Raises KeyError for a kind of training that there is not."""
        recipe = recipe_name(technique, task_type)
        changed = self.defaults.get(recipe, {})
        return tuple(self._adapted(rule, changed) for rule in RECIPES[recipe])

    def _adapted(self, rule: Rule, changed: Mapping[str, Value]) -> Rule:
        if rule.name in changed:
            rule = rule.with_default(changed[rule.name])
        if rule.name in ("max_length", "max_completion_length"):
            rule = rule.with_maximum(self.context_length)
            rule = rule.with_default(min(int(rule.default), self.context_length))
        return rule
