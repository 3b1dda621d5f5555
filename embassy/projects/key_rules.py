"""What a key may be made of. Each check answers the value to keep, or raises InvalidInput with a sentence."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.utils import timezone

from embassy.platform.errors import InvalidInput
from embassy.projects.models import Project

AREAS = (
    "models",
    "projects",
    "datasets",
    "training",
    "evaluation",
    "engines",
    "deployments",
    "inference",
    "files",
)
READ_ONLY_AREAS = ("usage", "metrics")
SCOPES = (
    *(f"{area}:{verb}" for area in AREAS for verb in ("read", "write")),
    *(f"{area}:read" for area in READ_ONLY_AREAS),
)
MAX_LIMIT = 2_000_000_000  # a minute
MAX_NAME = 120
MAX_MODELS = 50
MAX_MODEL_NAME = 200


def checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidInput(f"Name the key with 1 to {MAX_NAME} printable characters.")
    return name


def checked_scopes(scopes: Iterable[str]) -> list[str]:
    chosen = list(dict.fromkeys(scopes))
    if unknown := sorted(set(chosen) - {"*", *SCOPES}):
        raise InvalidInput(f"Unknown scopes: {', '.join(unknown)}. Known: *, {', '.join(SCOPES)}.")
    if not chosen:
        raise InvalidInput("Choose at least one scope, or all of them.")
    return chosen


def checked_expiry(expires_at: datetime | None) -> datetime | None:
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidInput("Choose a time in the future: a key that has expired is of no use.")
    return expires_at


def checked_projects(projects: Sequence[Project], *, organization_id: int) -> list[Project]:
    if any(project.organization_id != organization_id or project.deleted_at for project in projects):
        raise InvalidInput("A key can be limited to projects of its own organization only.")
    return list(projects)


def checked_model_names(names: Iterable[str]) -> list[str]:
    """Names and ids of deployments and base models; they need not exist yet."""
    chosen = list(dict.fromkeys(name for given in names if (name := given.strip())))
    if len(chosen) > MAX_MODELS:
        raise InvalidInput(f"A key can be limited to {MAX_MODELS} models at most; leave it open instead.")
    if any(len(name) > MAX_MODEL_NAME or not name.isprintable() for name in chosen):
        raise InvalidInput(f"Names of models are up to {MAX_MODEL_NAME} printable characters.")
    return chosen


def checked_limit(limit: int | None) -> int | None:
    if limit is not None and not 0 <= limit <= MAX_LIMIT:
        raise InvalidInput(f"Limits are whole numbers from 0, which is no limit, to {MAX_LIMIT}.")
    return limit
