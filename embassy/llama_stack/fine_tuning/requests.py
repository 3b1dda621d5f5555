"""What a fine-tuning job asks for, in the words of training jobs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from embassy.catalog import selectors as catalog
from embassy.platform.errors import InvalidInput
from embassy.training.states import Technique

AUTO = "auto"
TECHNIQUES = {"supervised": Technique.SFT, "dpo": Technique.DPO}
# OpenAI's names → the template's.
PARAMETERS = {"n_epochs": "num_train_epochs", "batch_size": "per_device_train_batch_size", "beta": "beta"}
MULTIPLIER = "learning_rate_multiplier"


@dataclass(frozen=True, kw_only=True)
class FineTuningRequest:
    """`method` is `{"type": …, TYPE: {"hyperparameters": {…}}}`; `project` a project's id."""

    model: str
    training_file: str
    validation_file: str | None = None
    suffix: str = ""
    method: Mapping[str, Any] = field(default_factory=lambda: {"type": "supervised"})
    seed: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    project: str | None = None

    @property
    def technique(self) -> Technique:
        """Raises InvalidInput for a method that is not offered."""
        kind = self.method.get("type")
        if kind not in TECHNIQUES:
            raise InvalidInput(
                f"method.type: {kind} is not offered. Use {' or '.join(TECHNIQUES)}.",
                details={"field": "method.type"},
            )
        return TECHNIQUES[kind]

    @property
    def hyperparameters(self) -> dict[str, Any]:
        return dict((self.method.get(self.method["type"]) or {}).get("hyperparameters") or {})


def parameters_of(request: FineTuningRequest, base_model: str, seed: int) -> dict[str, Any]:
    """The template's parameters; what is `auto` is left to the template."""
    asked = {name: value for name, value in request.hyperparameters.items() if value != AUTO}
    found = {ours: asked[theirs] for theirs, ours in PARAMETERS.items() if theirs in asked}
    if MULTIPLIER in asked:
        usual = catalog.get_base_model(base_model).parameter_template["learning_rate"]
        found["learning_rate"] = usual * asked[MULTIPLIER]
    return found | {"seed": seed}


def method_of(request: FineTuningRequest) -> dict[str, Any]:
    """As it is told again: every hyperparameter is there."""
    names = ["n_epochs", "batch_size", MULTIPLIER]
    if request.technique == Technique.DPO:
        names.append("beta")
    kind = request.method["type"]
    asked = request.hyperparameters
    return {"type": kind, kind: {"hyperparameters": {name: asked.get(name, AUTO) for name in names}}}
