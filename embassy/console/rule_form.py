"""The rules by which something sleeps and wakes, between a form and the services."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from django.http import QueryDict

from embassy.console.field_errors import invalid_form
from embassy.deployments.schedule import WEEKDAYS, check_timeout, parse_window
from embassy.platform.errors import InvalidInput

IDLE, SCHEDULE = "inactive_timeout", "schedule"


def shown_rules(timeout: int | None, schedule: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the fields hold for these rules; `timeout` in seconds."""
    window = schedule or {}
    return {
        "minutes": f"{(timeout or 0) / 60:g}" if timeout else "",
        "on_schedule": bool(schedule),
        "start_time": window.get("start_time", "08:00"),
        "end_time": window.get("end_time", "18:00"),
        "timezone": window.get("timezone", "UTC"),
        "days": list(window.get("days", WEEKDAYS)),
    }


def typed_rules(data: QueryDict) -> dict[str, Any]:
    """The same of what was typed, so that nothing is lost when it is wrong."""
    names = ("minutes", "start_time", "end_time", "timezone")
    typed: dict[str, Any] = {name: data.get(name, "") for name in names}
    return typed | {"on_schedule": data.get("rule") == SCHEDULE, "days": data.getlist("days")}


def choices() -> dict[str, Any]:
    """What a form offers to choose from."""
    return {"weekdays": WEEKDAYS, "zones": sorted(available_timezones())}


def seconds_of(data: QueryDict) -> int:
    """Raises InvalidInput."""
    try:
        return check_timeout(round(float(data.get("minutes", "")) * 60))
    except (ValueError, OverflowError):
        raise invalid_form({"minutes": "Write the minutes as a number."}) from None
    except InvalidInput as error:
        raise invalid_form({"minutes": error.message}) from None


def schedule_of(data: QueryDict) -> dict[str, Any] | None:
    """None where it follows no schedule. Raises InvalidInput."""
    if data.get("rule") != SCHEDULE:
        return None
    days = data.getlist("days")
    if not days:
        raise invalid_form({"days": "Choose at least one day."})
    schedule = {
        "timezone": data.get("timezone", ""),
        "start_time": data.get("start_time", ""),
        "end_time": data.get("end_time", ""),
        "days": days,
    }
    try:
        parse_window(schedule)
    except InvalidInput as error:
        raise invalid_form({"schedule": error.message}) from None
    return schedule


def management_of(data: QueryDict) -> dict[str, Any]:
    """An engine's rules: one of both kinds. Raises InvalidInput."""
    schedule = schedule_of(data)
    if schedule is not None:
        return {"management_type": SCHEDULE, "management_config": schedule}
    return {"management_type": IDLE, "management_config": {"inactive_duration": seconds_of(data)}}


def rules_of_engine(management: Mapping[str, Any]) -> tuple[int | None, Mapping[str, Any] | None]:
    """Timeout in seconds and schedule, of which an engine has one."""
    config = management.get("management_config") or {}
    if management.get("management_type") == SCHEDULE:
        return None, config
    return config.get("inactive_duration"), None
