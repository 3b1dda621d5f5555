"""The way back in for who has lost everything."""

from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.core.management import CommandError, call_command
from django.test import Client

from tests.factories.projects import make_organization, make_user

NEW = "quite a long password"


def link_for(*arguments: str) -> str:
    said = StringIO()
    call_command("reset_sign_in", *arguments, stdout=said)
    return said.getvalue().strip().partition("://")[2].partition("/")[2]


@pytest.mark.django_db
def test_a_link_to_a_new_password_and_the_second_factor_off() -> None:
    user = make_organization().memberships.get().user
    TOTP.activate(user, "A" * 32)
    link = link_for(user.email.upper(), "--second-factor")
    client = Client()
    form = client.get(f"/{link}").headers["Location"]
    client.post(form, {"password1": NEW, "password2": NEW})
    answer = client.post("/console/sign-in", {"login": user.email, "password": NEW})
    assert answer.headers["Location"] == "/console/"


@pytest.mark.django_db
def test_the_second_factor_stays_unless_asked() -> None:
    user = make_user()
    TOTP.activate(user, "A" * 32)
    link_for(user.email)
    assert Authenticator.objects.filter(user=user).exists()


@pytest.mark.django_db
def test_an_unknown_user_is_told() -> None:
    with pytest.raises(CommandError, match="no active user"):
        link_for("nobody@example.com")
