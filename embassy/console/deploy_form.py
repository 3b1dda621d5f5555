"""The form that deploys a checkpoint or a base model: its fields as they came → what the service takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import available_timezones

from django.http import QueryDict

from embassy.deployments.schedule import WEEKDAYS
from embassy.deployments.services import MAX_LOG_DAYS, DeploymentRequest
from embassy.deployments.source import Source
from embassy.engines.models import Engine
from embassy.platform.errors import EmbassyError, InvalidInput

IDLE, SCHEDULE, ALWAYS = "idle", "schedule", "always"
WORKDAYS = WEEKDAYS[:5]
# A window from midnight to midnight on every day never closes.
NEVER_CLOSES = {"timezone": "UTC", "start_time": "00:00", "end_time": "00:00", "days": list(WEEKDAYS)}
# What services name at the beginning of a sentence, or by the error's code, and whose field that is.
FIELDS = ("name", "checkpoint", "days", "timezone", "start_time", "end_time", "minutes", "log_days", "engine")
CODES = {"name_taken": "name", "parity_failed": "force", "engine_full": "engine"}


@dataclass(frozen=True)
class Day:
    value: str
    short: str
    checked: bool


def reference_of(data: QueryDict) -> tuple[str, int]:
    """What is to be deployed: a training job's id, or a base model's name with checkpoint 0."""
    return data.get("reference", ""), _whole(data, "checkpoint", "0") or 0


def request_of(data: QueryDict) -> DeploymentRequest:
    """Raises InvalidInput with the field's name at the beginning of the sentence."""
    reference, checkpoint = reference_of(data)
    return DeploymentRequest(
        reference=reference,
        checkpoint=checkpoint,
        name=_name(data),
        description=data.get("description", ""),
        **_management(data),
        force=data.get("force") == "yes",
        log_requests=data.get("log_requests") == "yes",
        log_days=_log_days(data),
    )


def errors_of(error: EmbassyError, *, asked_engine: bool) -> dict[str, str]:
    """By field; the empty one is the form's own."""
    sentence = error.message
    if field := CODES.get(error.code):
        return {field: sentence}
    named, _, rest = sentence.partition(": ")
    field = named.removeprefix("schedule.")
    if field in FIELDS and rest:
        return {field: _begun(rest)}
    if sentence.startswith("The inactive timeout"):
        return {"minutes": sentence}
    return {"engine" if asked_engine and sentence.startswith("Engine ") else "": sentence}


def usual(source: Source) -> QueryDict:
    """What the form shows before anybody has written anything."""
    data = QueryDict(mutable=True)
    data["name"] = (
        f"{source.job.name[:100]}-{source.checkpoint}" if source.job else f"{source.base_model}-own"
    )
    data["management"] = IDLE
    data["start_time"], data["end_time"] = "08:00", "18:00"
    data.setlist("days", list(WORKDAYS))
    return data


def days_of(data: QueryDict) -> list[Day]:
    chosen = set(data.getlist("days"))
    return [Day(name, name[:3].capitalize(), name in chosen) for name in WEEKDAYS]


def zones() -> list[str]:
    """Those that name a place, and UTC."""
    return ["UTC", *sorted(zone for zone in available_timezones() if "/" in zone and "Etc/" not in zone)]


def engine_asked_for(data: QueryDict, fitting: Mapping[str, Engine]) -> Engine | None:
    """None: an automatic one. Raises InvalidInput for an engine that does not fit, or is not there."""
    asked = data.get("engine", "")
    if not asked:
        return None
    if asked not in fitting:
        raise InvalidInput("engine: it is gone, or does not take this. Choose another one.")
    return fitting[asked]


def _begun(sentence: str) -> str:
    """With a capital letter, unless it begins with somebody's name for something."""
    first, _, _ = sentence.partition(" ")
    return sentence[:1].upper() + sentence[1:] if first.strip(",").isalpha() else sentence


def _name(data: QueryDict) -> str:
    name = data.get("name", "").strip()
    if not name:
        raise InvalidInput("name: give it one; requests name it as their model.")
    return name


def _management(data: QueryDict) -> dict[str, Any]:
    if data.get("engine"):  # the engine's own rules are for all that is on it
        return {}
    kind = data.get("management", IDLE)
    if kind == ALWAYS:
        return {"schedule": NEVER_CLOSES}
    return {"schedule": _schedule(data)} if kind == SCHEDULE else {"inactive_timeout": _timeout(data)}


def _schedule(data: QueryDict) -> dict[str, Any]:
    return {
        "timezone": data.get("timezone", "").strip() or "UTC",
        "start_time": data.get("start_time", ""),
        "end_time": data.get("end_time", ""),
        "days": data.getlist("days"),
    }


def _timeout(data: QueryDict) -> int | None:
    text = data.get("minutes", "").strip()
    try:
        return round(float(text) * 60) if text else None
    except (ValueError, OverflowError):
        raise InvalidInput("minutes: write a number of minutes, for example 30.") from None


def _log_days(data: QueryDict) -> int | None:
    days = _whole(data, "log_days", "") if data.get("log_requests") == "yes" else None
    if days is not None and not 1 <= days <= MAX_LOG_DAYS:
        raise InvalidInput(f"log_days: from 1 to {MAX_LOG_DAYS} days.")
    return days


def _whole(data: QueryDict, field: str, usually: str) -> int | None:
    text = data.get(field, usually).strip()
    try:
        number = int(text) if text else None
    except ValueError:
        raise InvalidInput(f"{field}: write a whole number.") from None
    if number is not None and not 0 <= number <= 1_000_000:
        raise InvalidInput(f"{field}: write a smaller number.")
    return number
