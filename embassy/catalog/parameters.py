"""Check the parameters of a training request against the base model's rules."""

from collections.abc import Mapping, Sequence
from typing import Any

from rapidfuzz import process

from embassy.catalog.base_model import BaseModel
from embassy.catalog.rules import Rule, Value
from embassy.platform.errors import InvalidInput


def effective_parameters(
    model: BaseModel, *, technique: str, task_type: str, given: Mapping[str, Any]
) -> dict[str, Value]:
    """Every parameter with its value, given or default. Raises InvalidInput that names the wrong one."""
    rules = {rule.name: rule for rule in model.rules(technique, task_type)}
    for name in given:
        if name not in rules:
            raise _unknown(name, list(rules), model)
    return {
        name: _checked(rule, given[name]) if given.get(name) is not None else rule.default
        for name, rule in rules.items()
    }


def _unknown(name: str, known: Sequence[str], model: BaseModel) -> InvalidInput:
    match = process.extractOne(name, known, score_cutoff=50)
    hint = f" Did you mean {match[0]}?" if match else ""
    return InvalidInput(
        f"parameters.{name}: {model.name} has no such parameter.{hint}"
        f" GET /v1/models/{model.name} lists them.",
        code="unknown_parameter",
    )


def _checked(rule: Rule, value: Any) -> Value:
    match rule.kind:
        case "boolean":
            return _boolean(rule, value)
        case "choice":
            if value not in rule.choices:
                raise _wrong(rule, value)
            return str(value)
        case "integer" | "number":
            return _number(rule, value)


def _boolean(rule: Rule, value: Any) -> bool:
    # The template writes booleans as text, and what it shows must be accepted.
    known = {"true": True, "false": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in known:
        return known[value.lower()]
    raise _wrong(rule, value)


def _number(rule: Rule, value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(rule, value)
    if rule.kind == "integer" and value != value // 1:
        raise _wrong(rule, value)
    if rule.minimum is None or rule.maximum is None or not rule.minimum <= value <= rule.maximum:
        raise _wrong(rule, value)
    return int(value) if rule.kind == "integer" else float(value)


def _wrong(rule: Rule, value: Any) -> InvalidInput:
    return InvalidInput(
        f"parameters.{rule.name}: must be {rule.range()}, not {value!r}.", code="invalid_parameter"
    )
