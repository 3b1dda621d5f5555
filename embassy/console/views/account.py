"""Signing in, the password, and which organization one works in."""

from typing import Any

from allauth.account.views import LoginView
from allauth.mfa.utils import is_mfa_enabled
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views as auth
from django.contrib.auth.mixins import LoginRequiredMixin
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse, reverse_lazy
from django.utils.http import urlencode
from django.views.generic import TemplateView

from embassy.console.actor import CHOICE
from embassy.console.views.guarded import Guarded
from embassy.console.views.page import Page
from embassy.platform.errors import NotFound
from embassy.projects import audit, enrolment


class SignIn(Guarded, LoginView):
    template_name = "console/sign_in.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not enrolment.is_set_up():
            return redirect("console:set-up")
        answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return answer

    def guessed_at(self) -> str:
        return self.request.POST.get("login", "")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shown: dict[str, Any] = super().get_context_data(**kwargs)
        return shown | {
            "may_sign_up": settings.SIGN_UP,
            "provider_name": settings.OIDC_NAME,
            "provider_url": _provider_url(self.get_next_url()),
        }


class ChangePassword(Guarded, auth.PasswordChangeView):  # type: ignore[misc]
    """Ends every other session of the user: their sessions carry a digest of the old password."""

    template_name = "console/password.html"
    success_url = reverse_lazy("console:account")
    login_url = reverse_lazy("console:sign-in")

    def guessed_at(self) -> str:
        return f"password of {self.request.user.pk}"

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        if "old_password" in form.errors:
            return super().form_invalid(form)
        return self.render_to_response(self.get_context_data(form=form), status=422)

    def form_valid(self, form: Any) -> HttpResponse:
        answer = super().form_valid(form)
        audit.record_personal("password.changed", user=form.user)
        messages.success(self.request, "Your password has been changed. Other browsers are signed out.")
        return answer


class Account(LoginRequiredMixin, TemplateView):
    """What is the user's own, whichever organization they look at."""

    template_name = "console/account.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        assert user.is_authenticated
        shown = {
            "has_password": user.has_usable_password(),
            "has_second_factor": is_mfa_enabled(user),
            "provider_name": settings.OIDC_NAME if settings.OIDC_ISSUER else None,
            "is_connected": SocialAccount.objects.filter(user=user).exists(),
        }
        return super().get_context_data(**kwargs) | shown


class SwitchOrganization(Page):
    scope = "projects"
    needs = "read"  # whatever the role in the one that is left

    def post(self, request: HttpRequest) -> HttpResponse:
        wanted = request.POST.get("organization", "")
        if wanted not in {m.organization.public_id for m in self.visitor.memberships}:
            raise NotFound("You are not a member of that organization.")
        request.session[CHOICE] = wanted
        return redirect("console:projects")


def _provider_url(following: str | None) -> str | None:
    """Where the sign-in through the provider begins; None where there is none."""
    if not settings.OIDC_ISSUER:
        return None
    address = reverse("openid_connect_login", args=["oidc"])
    return f"{address}?{urlencode({'next': following})}" if following else address
