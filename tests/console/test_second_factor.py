"""The second factor, from turning it on to signing in with a recovery code."""

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client

from embassy.console.attempts import FROM_ONE_PLACE
from embassy.projects.models import AuditEvent, User
from tests.factories.projects import make_organization

PASSWORD = "a long password"
ON = "/console/account/second-factor/on"
CODES = "/console/account/second-factor/codes"
STEP = "/console/sign-in/code"


def code_of(secret: str, *, later: int = 0) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + later))


@pytest.fixture
def user(db: None) -> User:
    return make_organization().memberships.get().user


def confirmed(user: User) -> Client:
    """Signed in, and has just given the password once more."""
    client = Client()
    client.force_login(user)
    client.post("/console/account/confirm", {"password": PASSWORD})
    return client


@pytest.fixture
def secret(user: User) -> str:
    """Of the factor that has been turned on."""
    client = confirmed(user)
    found = re.search(r'class="once">([A-Z2-7]+)<', client.get(ON).content.decode())
    assert found
    assert client.post(ON, {"code": code_of(found[1])}).headers["Location"] == CODES
    return found[1]


def first_step(user: User) -> Client:
    client = Client()
    answer = client.post("/console/sign-in", {"login": user.email, "password": PASSWORD})
    assert answer.headers["Location"] == STEP
    return client


def test_turning_it_on_needs_the_password_once_more(user: User) -> None:
    client = Client()
    client.force_login(user)
    assert client.get(ON).headers["Location"].startswith("/console/account/confirm?next=")
    wrong = client.post("/console/account/confirm", {"password": "wrong"})
    assert wrong.status_code == 422
    assert "not your password" in wrong.content.decode()


def test_a_wrong_code_does_not_turn_it_on(user: User) -> None:
    client = confirmed(user)
    client.get(ON)
    assert "not the one" in client.post(ON, {"code": "000000x"}).content.decode()
    assert not Authenticator.objects.exists()


def test_the_password_alone_signs_nobody_in_any_more(user: User, secret: str) -> None:
    client = first_step(user)
    assert client.get("/console/").status_code == 302
    assert client.get(STEP).status_code == 200
    assert client.post(STEP, {"code": "12345x"}).status_code == 422
    assert client.post(STEP, {"code": code_of(secret, later=1)}).headers["Location"] == "/console/"
    assert client.get("/console/").status_code == 200


def test_a_code_is_good_once(user: User, secret: str) -> None:
    code = code_of(secret, later=1)
    assert first_step(user).post(STEP, {"code": code}).status_code == 302
    assert first_step(user).post(STEP, {"code": code}).status_code == 422


def test_a_recovery_code_signs_in_once(user: User, secret: str) -> None:
    page = confirmed(user).get(CODES).content.decode()
    code = re.findall(r'class="once">(\d{8})<', page)[0]
    assert first_step(user).post(STEP, {"code": code}).status_code == 302
    assert first_step(user).post(STEP, {"code": code}).status_code == 422


def test_guessing_codes_is_stopped_wherever_it_comes_from(user: User, secret: str) -> None:
    client = first_step(user)
    for number in range(FROM_ONE_PLACE):
        client.post(STEP, {"code": "12345x"}, REMOTE_ADDR=f"192.0.2.{number}")
    answer = client.post(STEP, {"code": code_of(secret, later=1)}, REMOTE_ADDR="192.0.2.99")
    assert answer.status_code == 429
    assert client.get("/console/").status_code == 302


def test_secrets_are_stored_sealed(user: User, secret: str) -> None:
    assert all(secret not in str(row.data) for row in Authenticator.objects.all())


def test_turning_it_off(user: User, secret: str) -> None:
    client = confirmed(user)
    assert "Turn off" in client.get("/console/account").content.decode()
    assert client.post("/console/account/second-factor/off").status_code == 302
    assert not Authenticator.objects.exists()
    verbs = AuditEvent.objects.filter(subject=user.public_id).order_by("id").values_list("verb", flat=True)
    assert list(verbs) == ["second_factor.turned_on", "second_factor.turned_off"]


def test_the_second_step_is_not_there_without_the_first() -> None:
    assert Client().get(STEP).headers["Location"] == "/console/sign-in"
