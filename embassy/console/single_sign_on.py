"""Who may come in through the OpenID Connect provider, where one is configured.

An address counts only if the provider says that it is verified. It opens the account that has proven the
same address, or makes one for who is invited or whose domain is listed; nobody else gets in. Whom somebody
has removed does not come back by signing in again: joining by the domain happens once, with the account.
"""

from typing import Any, NoReturn

from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import render
from django.urls import reverse

from embassy.platform.errors import EmbassyError, Forbidden
from embassy.projects import enrolment
from embassy.projects.models import User


class ProviderAdapter(DefaultSocialAccountAdapter):
    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        if sociallogin.is_existing or sociallogin.state.get("process") == "connect":
            return
        try:
            sociallogin.connect(request, _user_of(_verified_address(sociallogin)))
        except EmbassyError as error:
            _refuse(request, error)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False  # accounts are made above, or not at all

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: Any) -> str:
        return reverse("console:account")

    def on_authentication_error(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        _refuse(
            request, Forbidden(f"The sign-in with {settings.OIDC_NAME} did not succeed. Try it once more.")
        )


def _verified_address(sociallogin: Any) -> str:
    for address in sociallogin.email_addresses:
        # Some providers write it as a word, and "false" is true.
        if str(address.verified).lower() == "true":
            return str(address.email).strip().lower()
    raise Forbidden(f"{settings.OIDC_NAME} does not say that your e-mail address is verified.")


def _user_of(email: str) -> User:
    user = User.objects.filter(email=email).first()
    if user is None:
        return enrolment.join_proven(email=email)
    if not EmailAddress.objects.filter(user=user, email=email, verified=True).exists():
        # Somebody else may have made that account in the name of the address.
        raise Forbidden(
            f"There is an account for {email} whose address was never proven. Sign in with its password, and"
            f" connect {settings.OIDC_NAME} on the page Your account."
        )
    return user


def _refuse(request: HttpRequest, error: EmbassyError) -> NoReturn:
    raise ImmediateHttpResponse(render(request, "console/closed.html", {"error": error}, status=error.status))
