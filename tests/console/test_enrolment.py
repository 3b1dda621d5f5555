"""The first account, accounts that people make themselves, and passwords that were forgotten."""

import re

import pytest
from django.core import mail
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from embassy.console.attempts import FROM_ONE_PLACE
from embassy.projects import enrolment
from embassy.projects.models import Membership, User
from tests.factories.projects import make_organization

PASSWORD = "quite a long password"
FORM = {"email": "Ada@example.com", "organization": "Analytical Engines", "password": PASSWORD}


@pytest.fixture
def set_up_link(db: None) -> str:
    return f"/console/set-up?token={enrolment.set_up_token()}"


def test_an_empty_platform_leads_to_its_set_up(stranger: Client) -> None:
    answer = stranger.get("/console/", follow=True)
    assert answer.redirect_chain[-1][0] == "/console/set-up"
    assert answer.status_code == 403
    assert "set-up-link" in answer.content.decode()


@pytest.mark.parametrize("token", ["", "guess", "é"])
def test_nobody_sets_up_without_the_link(stranger: Client, token: str) -> None:
    assert stranger.post(f"/console/set-up?token={token}", FORM).status_code == 403
    assert not User.objects.exists()


def test_the_first_user_owns_the_first_organization(stranger: Client, set_up_link: str) -> None:
    assert stranger.get(set_up_link).status_code == 200
    assert stranger.post(set_up_link, FORM).headers["Location"] == "/console/"
    user = User.objects.get()
    assert (user.email, user.is_superuser) == ("ada@example.com", True)
    assert Membership.objects.get(user=user).role == "owner"
    assert "Analytical Engines" in stranger.get("/console/").content.decode()


def test_it_is_done_once(set_up_link: str) -> None:
    Client().post(set_up_link, FORM)
    answer = Client().post(set_up_link, FORM | {"email": "eve@example.com"})
    assert answer.headers["Location"] == "/console/sign-in"
    assert User.objects.count() == 1


def test_what_is_wrong_is_told_beside_the_fields(stranger: Client, set_up_link: str) -> None:
    answer = stranger.post(set_up_link, FORM | {"password": "short", "organization": ""})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert page.count("invalid-feedback") >= 2
    assert 'value="Ada@example.com"' in page
    assert "short" not in page.replace("too short", "")


def test_nobody_signs_up_unless_it_is_allowed(stranger: Client) -> None:
    make_organization()
    assert stranger.get("/console/sign-up").status_code == 403
    assert stranger.post("/console/sign-up", FORM).status_code == 403
    assert not User.objects.filter(email="ada@example.com").exists()
    assert "Sign up" not in stranger.get("/console/sign-in").content.decode()


def test_whoever_signs_up_gets_an_organization(stranger: Client, settings: Settings) -> None:
    settings.SIGN_UP = True
    make_organization()
    assert stranger.post("/console/sign-up", FORM).headers["Location"] == "/console/"
    member = Membership.objects.get(user__email="ada@example.com")
    assert (member.role, member.organization.name) == ("owner", "Analytical Engines")
    assert not member.user.is_staff
    again = Client().post("/console/sign-up", FORM)
    assert again.status_code == 409


def test_where_mails_are_sent_an_address_is_proven_first(stranger: Client, settings: Settings) -> None:
    settings.SIGN_UP = settings.MAIL_IS_SENT = True
    make_organization()
    assert stranger.post("/console/sign-up", {"email": FORM["email"]}).status_code == 200
    assert not User.objects.filter(email="ada@example.com").exists()
    address = link_in(mail.outbox[0].body)
    assert stranger.post(address, FORM).headers["Location"] == "/console/"
    assert stranger.get("/console/").status_code == 200
    assert Client().get("/console/sign-up/forged").status_code == 404


def test_signing_up_does_not_tell_who_is_here(stranger: Client, settings: Settings) -> None:
    settings.SIGN_UP = settings.MAIL_IS_SENT = True
    known = make_organization().memberships.get().user
    answers = {
        card_of(stranger.post("/console/sign-up", {"email": email})).replace(email, "…")
        for email in (known.email, "nobody@example.com")
    }
    assert len(answers) == 1
    assert "There is an account already" in mail.outbox[0].body


def test_a_forgotten_password_by_mail(stranger: Client, settings: Settings) -> None:
    settings.MAIL_IS_SENT = True
    user = make_organization().memberships.get().user
    stranger.post("/console/forgotten-password", {"email": user.email}, HTTP_HOST="evil.example")
    stranger.post("/console/forgotten-password", {"email": "nobody@example.com"})
    [sent] = mail.outbox
    assert "evil.example" not in sent.body
    address = stranger.get(link_in(sent.body)).headers["Location"]
    stranger.post(address, {"password1": PASSWORD, "password2": PASSWORD})
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_mails_are_not_sent_by_the_dozen(stranger: Client, settings: Settings) -> None:
    settings.MAIL_IS_SENT = True
    user = make_organization().memberships.get().user
    for _ in range(FROM_ONE_PLACE):
        stranger.post("/console/forgotten-password", {"email": user.email})
    assert stranger.post("/console/forgotten-password", {"email": user.email}).status_code == 429
    assert len(mail.outbox) == FROM_ONE_PLACE


def test_without_mails_people_are_sent_to_an_administrator(stranger: Client) -> None:
    make_organization()
    assert "Ask an owner or admin" in stranger.get("/console/forgotten-password").content.decode()
    assert stranger.post("/console/forgotten-password", {"email": "a@example.com"}).status_code == 403


def test_a_new_password_ends_other_sessions(stranger: Client) -> None:
    user = make_organization().memberships.get().user
    other = Client()
    stranger.force_login(user)
    other.force_login(user)
    form = {"old_password": "a long password", "new_password1": PASSWORD, "new_password2": PASSWORD}
    stranger.post("/console/password", form)
    assert stranger.get("/console/").status_code == 200
    assert other.get("/console/").status_code == 302


def test_signing_in_changes_the_session(stranger: Client) -> None:
    user = make_organization().memberships.get().user
    session = stranger.session
    session["kept"] = True
    session.save()
    before = session.session_key
    stranger.cookies["sessionid"] = before
    stranger.post("/console/sign-in", {"login": user.email, "password": "a long password"})
    assert stranger.session.session_key != before


def card_of(answer: HttpResponse) -> str:
    """Without the form's token, which is always another."""
    return answer.content.decode().partition("<main")[2]


def link_in(text: str) -> str:
    found = re.search(r"http://[^/]+(/console/\S+)", text)
    assert found, text
    return found[1]
