"""Signing in and out, the password, and which organization one works in."""

from django.contrib import messages
from django.contrib.auth import views as auth
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy

from embassy.console.actor import CHOICE
from embassy.console.views.page import Page
from embassy.platform.errors import NotFound


class SignIn(auth.LoginView):
    template_name = "console/sign_in.html"
    redirect_authenticated_user = True


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
