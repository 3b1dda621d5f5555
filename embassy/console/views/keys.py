"""API keys: made here and shown once, listed, limited, revoked."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from embassy.console import selectors
from embassy.console.key_form import DAYS, NEW, KeyForm, limits_of
from embassy.console.views.page import Page
from embassy.projects.key_rules import AREAS, READ_ONLY_AREAS
from embassy.projects.services import change_key_limits, create_api_key, revoke_api_key

PER_PAGE = 25


class KeyPage(Page):
    scope = "keys"
    section = "keys"

    def listing(self, *, status: int = 200, **context: Any) -> HttpResponse:
        keys = Paginator(selectors.keys_shown_to(self.visitor), PER_PAGE)
        return self.page(
            "console/keys.html",
            status=status,
            keys=keys.get_page(self.request.GET.get("page")),
            now=timezone.now(),
            **_defaults(),
            **context,
        )

    def form(self, form: KeyForm, *, status: int = 200) -> HttpResponse:
        return self.page(
            "console/new_key.html",
            status=status,
            form=form,
            areas=AREAS,
            read_only_areas=READ_ONLY_AREAS,
            days=DAYS,
            projects=selectors.projects_to_choose(self.actor),
            models=selectors.model_names_to_choose(self.actor),
            **_defaults(),
        )


class KeyList(KeyPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        return self.listing()

    def post(self, request: HttpRequest) -> HttpResponse:
        form = KeyForm(request.POST, self.actor)
        wanted = form.read()
        if form.errors:
            return self.form(form, status=400)
        _, plain = create_api_key(organization=self.visitor.organization, user=self.visitor.user, **wanted)
        # In the answer itself and nowhere else: neither the session nor a message keeps it.
        return self.listing(status=201, new_key=plain, new_name=wanted["name"])


class NewKey(KeyPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        return self.form(KeyForm(NEW, self.actor))


class ChangeKeyLimits(KeyPage):
    def post(self, request: HttpRequest, prefix: str) -> HttpResponse:
        key = selectors.get_key(self.visitor, prefix)
        limits, errors = limits_of(request.POST)
        if errors:
            return self.listing(status=400, refused=prefix, typed=request.POST, errors=errors)
        change_key_limits(key=key, **limits, actor=self.actor)
        messages.success(request, f"The limits of {key.name} hold from now on.")
        return redirect("console:keys")


class RevokeKey(KeyPage):
    def post(self, request: HttpRequest, prefix: str) -> HttpResponse:
        key = selectors.get_key(self.visitor, prefix)
        revoke_api_key(key=key, actor=self.actor)
        messages.success(
            request, f"The key {key.name} has been revoked: requests with it are refused from now on."
        )
        return redirect("console:keys")


def _defaults() -> dict[str, int]:
    return {"default_requests": settings.REQUESTS_PER_MINUTE, "default_tokens": settings.TOKENS_PER_MINUTE}
