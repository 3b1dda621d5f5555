"""Signing in and out, the password, and which organization one works in."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import views as auth
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy

from embassy.console import attempts
from embassy.console.actor import CHOICE
from embassy.console.views.page import Page
from embassy.platform.errors import NotFound


class SignIn(auth.LoginView):
    template_name = "console/sign_in.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: str, **kwargs: Any) -> HttpResponse:
        if attempts.is_blocked(*_who(request)):
            context = self.get_context_data(form=AuthenticationForm(request), is_blocked=True)
            return self.render_to_response(context, status=429, headers={"Retry-After": attempts.WINDOW_S})
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        attempts.record_failure(*_who(self.request))
        return super().form_invalid(form)


class ChangePassword(auth.PasswordChangeView):
    template_name = "console/password.html"
    success_url = reverse_lazy("console:projects")
    login_url = reverse_lazy("console:sign-in")

    def form_valid(self, form: object) -> HttpResponse:
        answer = super().form_valid(form)  # type: ignore[arg-type]
        messages.success(self.request, "Your password has been changed.")
        return answer


class SwitchOrganization(Page):
    scope = "projects"

    def post(self, request: HttpRequest) -> HttpResponse:
        wanted = request.POST.get("organization", "")
        if wanted not in {m.organization.public_id for m in self.visitor.memberships}:
            raise NotFound("You are not a member of that organization.")
        request.session[CHOICE] = wanted
        return redirect("console:projects")


def _who(request: HttpRequest) -> tuple[str, str]:
    """The e-mail address that is tried, and from where."""
    return request.POST.get("username", ""), request.META.get("REMOTE_ADDR", "")
