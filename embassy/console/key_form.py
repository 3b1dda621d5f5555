"""The form of a new API key: its fields as they came, what is wrong with each, and the key they make."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any, TypeVar

from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date

from embassy.platform.actor import Actor
from embassy.platform.errors import InvalidInput
from embassy.projects import key_rules
from embassy.projects.models import Project
from embassy.projects.selectors import projects_visible_to

DAYS = {"30": "30 days", "90": "90 days", "365": "a year", "date": "on a day that I choose", "": "never"}
NEW = QueryDict("days=90&all_scopes=on")
MAX_DIGITS = 12

Value = TypeVar("Value")


class KeyForm:
    def __init__(self, data: QueryDict, actor: Actor) -> None:
        self.data = data
        self.actor = actor
        self.errors: dict[str, str] = {}

    def read(self) -> dict[str, Any]:
        """What the key is made of; None where `errors` then says why."""
        data = self.data
        return {
            "name": self._read("name", lambda: key_rules.checked_name(data.get("name", ""))),
            "scopes": self._read("scopes", lambda: _scopes(data)),
            "expires_at": self._read("days", lambda: _expiry(data)),
            "projects": self._read("projects", lambda: _projects(data, self.actor)),
            "model_names": self._read("model_names", lambda: _model_names(data)),
            "requests_per_minute": self._read("requests", lambda: limit_of(data, "requests_per_minute")),
            "tokens_per_minute": self._read("tokens", lambda: limit_of(data, "tokens_per_minute")),
        }

    @property
    def project_ids(self) -> list[str]:
        return self.data.getlist("projects")

    @property
    def scopes(self) -> list[str]:
        return self.data.getlist("scopes")

    @property
    def model_names(self) -> list[str]:
        """With an empty one to write into."""
        return [*(name for name in self.data.getlist("model_names") if name.strip()), ""]

    def _read(self, field: str, read: Callable[[], Value]) -> Value | None:
        try:
            return read()
        except InvalidInput as error:
            self.errors[field] = error.message
            return None


def limits_of(data: QueryDict) -> tuple[dict[str, int | None], dict[str, str]]:
    """Both limits by their names, and what is wrong with either."""
    limits: dict[str, int | None] = {}
    errors: dict[str, str] = {}
    for name in ("requests_per_minute", "tokens_per_minute"):
        try:
            limits[name] = limit_of(data, name)
        except InvalidInput as error:
            errors[name] = error.message
    return limits, errors


def limit_of(data: QueryDict, name: str) -> int | None:
    """None: the platform's. Raises InvalidInput."""
    given = data.get(name, "").strip()
    if not given:
        return None
    if not given.isascii() or not given.isdigit() or len(given) > MAX_DIGITS:
        raise InvalidInput("Write a whole number; 0 is no limit.")
    return key_rules.checked_limit(int(given))


def _scopes(data: QueryDict) -> list[str]:
    if data.get("all_scopes") == "on":
        return ["*"]
    return key_rules.checked_scopes(scope for scope in key_rules.SCOPES if scope in data.getlist("scopes"))


def _expiry(data: QueryDict) -> datetime | None:
    days = data.get("days", "")
    if days not in DAYS:
        raise InvalidInput("Choose one of the expiry times.")
    if days == "date":
        return key_rules.checked_expiry(_end_of_day(data.get("until", "")))
    return timezone.now() + timedelta(days=int(days)) if days else None


def _end_of_day(given: str) -> datetime:
    try:
        day = parse_date(given)
    except ValueError:  # well formed, and no such day
        day = None
    if day is None:
        raise InvalidInput("Choose the last day on which the key is good.")
    return datetime.combine(day, time.max, tzinfo=UTC)


def _model_names(data: QueryDict) -> list[str]:
    return key_rules.checked_model_names(data.getlist("model_names"))


def _projects(data: QueryDict, actor: Actor) -> list[Project]:
    chosen = set(data.getlist("projects"))
    found = list(projects_visible_to(actor).filter(public_id__in=chosen))
    if len(found) != len(chosen):
        raise InvalidInput("One of these projects is not there any more. Choose again.")
    return found
