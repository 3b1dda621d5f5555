"""What may be changed later of a deployment or an engine: names, and the rules by which they sleep."""

from typing import Any

from django.db import IntegrityError, transaction

from embassy.deployments.models import Deployment
from embassy.deployments.schedule import check_timeout, parse_window
from embassy.deployments.services import checked_management, checked_name
from embassy.engines.models import Engine
from embassy.platform import notify
from embassy.platform.actor import Actor
from embassy.platform.errors import Conflict, InvalidInput
from embassy.projects import audit

RULES = ("inactive_timeout", "schedule")


def change_deployment(*, deployment: Deployment, changes: dict[str, Any], actor: Actor) -> None:
    """`changes` are any of name, description, inactive_timeout (seconds) and schedule (None: none any more).

    The scheduler goes by new rules at once. Raises InvalidInput, or Conflict for a taken name.
    """
    if not changes:
        return
    if not deployment.engine.automatic and any(rule in changes for rule in RULES):
        raise InvalidInput(
            f"{deployment.name} sleeps and wakes with engine {deployment.engine.name}. Change the engine's"
            f" rules: PATCH /v1/engines/{deployment.engine.public_id}.",
            code="led_by_engine",
        )
    for field, value in _checked(changes).items():
        setattr(deployment, field, value)
    _save(deployment, [*changes, "updated_at"])
    audit.record("deployment.changed", deployment.public_id, actor=actor, **changes)
    notify.nudge(notify.ROUTES)


def change_engine(
    *, engine: Engine, name: str | None, resource_management: dict[str, Any] | None, actor: Actor
) -> None:
    """What is None stays. Raises InvalidInput, or Conflict for a taken name."""
    changes: dict[str, Any] = {}
    if name is not None:
        changes["name"] = name
    if resource_management is not None:
        changes["resource_management"] = checked_management(resource_management)
    if not changes:
        return
    for field, value in changes.items():
        setattr(engine, field, value)
    _save(engine, [*changes, "updated_at"])
    audit.record("engine.changed", engine.public_id, actor=actor, **changes)


def _checked(changes: dict[str, Any]) -> dict[str, Any]:
    checked = dict(changes)
    if "name" in checked:
        checked["name"] = checked_name(checked["name"])
    if "inactive_timeout" in checked:
        check_timeout(checked["inactive_timeout"])
    if checked.get("schedule") is not None:
        parse_window(checked["schedule"])
    return checked


def _save(row: Deployment | Engine, fields: list[str]) -> None:
    try:
        with transaction.atomic():
            row.save(update_fields=fields)
    except IntegrityError:
        kind = "a deployment" if isinstance(row, Deployment) else "an engine"
        raise Conflict(
            f"You have {kind} named {row.name} already. Choose another name.", code="name_taken"
        ) from None
