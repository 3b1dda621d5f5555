"""API keys: made here and shown once, listed, revoked."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from embassy.console import selectors
from embassy.console.views.page import Page
from embassy.platform.errors import InvalidInput
from embassy.projects import audit
from embassy.projects.services import (
    AREAS,
    READ_ONLY_AREAS,
    SCOPES,
    change_key_limits,
    create_api_key,
    revoke_api_key,
)

DAYS = {"30": "30 days", "90": "90 days", "365": "a year", "": "never"}
MAX_NAME = 120
MAX_LIMIT = 2_000_000_000


class KeyList(Page):
    scope = "keys"
    section = "keys"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.listing()

    def post(self, request: HttpRequest) -> HttpResponse:
        name = request.POST.get("name", "").strip()
        if not name or len(name) > MAX_NAME or not name.isprintable():
            raise InvalidInput(f"name: use 1 to {MAX_NAME} printable characters.")
        key, plain = create_api_key(
            organization=self.visitor.organization,
            user=self.visitor.user,
            name=name,
            scopes=_scopes(request),
            expires_at=_expiry(request.POST.get("days", "")),
            requests_per_minute=_limit(request, "requests_per_minute"),
            tokens_per_minute=_limit(request, "tokens_per_minute"),
        )
        audit.record("api_key.created", key.prefix, actor=self.actor, name=name)
        # In the answer itself and nowhere else: neither the session nor a message keeps it.
        return self.listing(status=201, new_key=plain, new_name=name)

    def listing(self, *, status: int = 200, **context: Any) -> HttpResponse:
        keys = selectors.keys_shown_to(self.visitor)
        return self.page(
            "console/keys.html",
            status=status,
            keys=keys,
            areas=AREAS,
            read_only_areas=READ_ONLY_AREAS,
            days=DAYS,
            now=timezone.now(),
            default_requests=settings.REQUESTS_PER_MINUTE,
            default_tokens=settings.TOKENS_PER_MINUTE,
            **context,
        )


class ChangeKeyLimits(Page):
    scope = "keys"
    section = "keys"

    def post(self, request: HttpRequest, prefix: str) -> HttpResponse:
        key = selectors.get_key(self.visitor, prefix)
        limits = {name: _limit(request, name) for name in ("requests_per_minute", "tokens_per_minute")}
        change_key_limits(key=key, **limits)
        audit.record("api_key.limits_changed", key.prefix, actor=self.actor, **limits)
        messages.success(request, f"The limits of {key.name} hold from now on.")
        return redirect("console:keys")


class RevokeKey(Page):
    scope = "keys"
    section = "keys"

    def post(self, request: HttpRequest, prefix: str) -> HttpResponse:
        key = selectors.get_key(self.visitor, prefix)
        revoke_api_key(key=key)
        audit.record("api_key.revoked", key.prefix, actor=self.actor, name=key.name)
        messages.success(
            request, f"The key {key.name} has been revoked: requests with it are refused from now on."
        )
        return redirect("console:keys")


def _scopes(request: HttpRequest) -> tuple[str, ...]:
    if request.POST.get("all_scopes") == "on":
        return ("*",)
    chosen = tuple(scope for scope in SCOPES if scope in request.POST.getlist("scopes"))
    if not chosen:
        raise InvalidInput("Choose at least one scope, or all of them.")
    return chosen


def _limit(request: HttpRequest, name: str) -> int | None:
    """None: the platform's. Raises InvalidInput."""
    given = request.POST.get(name, "").strip()
    if not given:
        return None
    if not given.isascii() or not given.isdigit():
        raise InvalidInput("Write limits as whole numbers; 0 is no limit.")
    return int(given)


def _expiry(days: str) -> datetime | None:
    if days not in DAYS:
        raise InvalidInput("Choose one of the expiry times.")
    return timezone.now() + timedelta(days=int(days)) if days else None
