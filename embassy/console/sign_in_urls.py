"""Addresses that django-allauth looks up by its own names. What is not here of it does not exist."""

from allauth.socialaccount.providers.openid_connect import views as provider
from django.urls import path
from django.views.generic import RedirectView

from embassy.console.views import account, password_reset, second_factor

FACTOR = "account/second-factor"

urlpatterns = [
    path("sign-in", account.SignIn.as_view(), name="account_login"),
    path("sign-in/through/<str:provider_id>", provider.login, name="openid_connect_login"),
    path("sign-in/through/<str:provider_id>/back", provider.callback, name="openid_connect_callback"),
    path("sign-in/code", second_factor.SignInCode.as_view(), name="mfa_authenticate"),
    path(
        "reset-password/<str:uidb36>/<str:key>",
        password_reset.ResetPassword.as_view(),
        name="account_reset_password_from_key",
    ),
    path("account/confirm", second_factor.ConfirmPassword.as_view(), name="account_reauthenticate"),
    path("account/confirm/code", second_factor.ConfirmCode.as_view(), name="mfa_reauthenticate"),
    path(FACTOR, RedirectView.as_view(pattern_name="console:account"), name="mfa_index"),
    path(f"{FACTOR}/on", second_factor.TurnOn.as_view(), name="mfa_activate_totp"),
    path(f"{FACTOR}/off", second_factor.TurnOff.as_view(), name="mfa_deactivate_totp"),
    path(f"{FACTOR}/codes", second_factor.RecoveryCodes.as_view(), name="mfa_view_recovery_codes"),
    path(f"{FACTOR}/codes/new", second_factor.NewRecoveryCodes.as_view(), name="mfa_generate_recovery_codes"),
    path(
        f"{FACTOR}/codes/download",
        second_factor.DownloadRecoveryCodes.as_view(),
        name="mfa_download_recovery_codes",
    ),
]
