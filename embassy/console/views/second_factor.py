"""The second factor: asked for at the sign-in, turned on and off, and its recovery codes."""

from typing import Any

from allauth.account.views import ReauthenticateView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.base.views import ReauthenticateView as ReauthenticateByCodeView
from allauth.mfa.recovery_codes.views import (
    DownloadRecoveryCodesView,
    GenerateRecoveryCodesView,
    ViewRecoveryCodesView,
)
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from django.forms import BaseForm
from django.http import HttpResponse

from embassy.console import attempts
from embassy.console.views.guarded import Guarded
from embassy.projects import audit


class SignInCode(Guarded, AuthenticateView):
    """The second step of the sign-in."""

    template_name = "console/sign_in_code.html"
    anywhere = attempts.FROM_ONE_PLACE  # who gets here knows the password, and a code is six digits

    def guessed_at(self) -> str:
        return f"code of {self.stage.login.user.pk}"

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        attempts.record_failure(self.guessed_at(), self._place())
        answer: HttpResponse = self.render_to_response(self.get_context_data(), status=422)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shown: dict[str, Any] = super().get_context_data(**kwargs)
        return shown | kwargs


class ConfirmPassword(Guarded, ReauthenticateView):
    template_name = "console/confirm_password.html"

    def guessed_at(self) -> str:
        return f"password of {self.request.user.pk}"


class ConfirmCode(Guarded, ReauthenticateByCodeView):
    template_name = "console/confirm_code.html"
    anywhere = attempts.FROM_ONE_PLACE

    def guessed_at(self) -> str:
        return f"code of {self.request.user.pk}"


class TurnOn(ActivateTOTPView):
    template_name = "console/second_factor_on.html"

    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        audit.record_personal("second_factor.turned_on", user=form.user)
        return answer

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        answer: HttpResponse = super().form_invalid(form)
        answer.status_code = 422
        return answer


class TurnOff(DeactivateTOTPView):
    template_name = "console/second_factor_off.html"

    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        audit.record_personal("second_factor.turned_off", user=self.authenticator.user)
        return answer


class RecoveryCodes(ViewRecoveryCodesView):
    template_name = "console/recovery_codes.html"


class NewRecoveryCodes(GenerateRecoveryCodesView):
    template_name = "console/new_recovery_codes.html"

    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        audit.record_personal("second_factor.codes_renewed", user=form.user)
        return answer


class DownloadRecoveryCodes(DownloadRecoveryCodesView):
    template_name = "console/recovery_codes.txt"
