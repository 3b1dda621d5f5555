"""A new password for who has forgotten theirs: by a mailed link, or one that an administrator hands over."""

from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.account.views import PasswordResetFromKeyView
from django.conf import settings
from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.views.generic import FormView

from embassy.console import attempts, mail
from embassy.console.account_forms import AddressForm
from embassy.projects import audit
from embassy.projects.models import User


def reset_link(user: User) -> str:
    """Good for a day, and until the password is changed or the user signs in."""
    token = default_token_generator.make_token(user)
    return mail.link_to("account_reset_password_from_key", user_pk_to_url_str(user), token)


class ForgottenPassword(FormView[Form]):
    template_name = "console/forgotten_password.html"
    form_class = AddressForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"is_mailed": settings.MAIL_IS_SENT}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not settings.MAIL_IS_SENT:
            return self.render_to_response(self.get_context_data(), status=403)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: Form) -> HttpResponse:
        email, place = form.cleaned_data["email"].lower(), str(self.request.META.get("REMOTE_ADDR", ""))
        what = f"reset of {email}"
        if attempts.is_blocked(what, place, anywhere=attempts.FROM_ONE_PLACE):
            form.add_error(None, "Too many mails to this address. Try again in 15 minutes.")
            return self.render_to_response(self.get_context_data(form=form), status=429)
        attempts.record_failure(what, place)
        # The same answer for an address that nobody here has.
        if user := User.objects.filter(email=email, is_active=True).first():
            mail.send(email, "A new password for Embassy", "reset", link=reset_link(user))
        return render(self.request, "console/mail_sent.html", {"email": email})

    def form_invalid(self, form: Form) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


class ResetPassword(PasswordResetFromKeyView):
    """The link's page. Whoever has a second factor is asked for it at the next sign-in all the same."""

    template_name = "console/reset_password.html"
    success_url = reverse_lazy("console:sign-in")

    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        audit.record_personal("password.reset", user=self.reset_user)
        messages.success(self.request, "Your new password holds. Sign in with it.")
        return answer

    def form_invalid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = self.render_to_response(self.get_context_data(form=form), status=422)
        return answer
