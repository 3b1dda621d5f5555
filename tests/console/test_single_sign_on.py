"""Sign-in through an OpenID Connect provider: who gets in, and as whom."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from embassy.platform.actor import Actor
from embassy.projects.invitations import invite
from embassy.projects.models import Invitation, Membership, Organization, Role, User
from tests.factories.projects import make_member, make_organization
from tests.fakes.identity_provider import IdentityProvider

EMAIL = "ada@acme.example"
START = "/console/sign-in/through/oidc"


@pytest.fixture
def provider(settings: Settings) -> Iterator[IdentityProvider]:
    with IdentityProvider().running() as running:
        running.claims = {"sub": "1", "email": EMAIL, "email_verified": True}
        settings.OIDC_ISSUER, settings.OIDC_NAME = running.issuer, "Acme"
        settings.SOCIALACCOUNT_PROVIDERS = running.settings()
        yield running


@pytest.fixture
def organization(provider: IdentityProvider, actor: Actor) -> Organization:
    return Organization.objects.get(pk=actor.organization_id)


def come_back(client: Client, start: str = START) -> HttpResponse:
    """To the provider and back, as a browser goes."""
    asked = parse_qs(urlsplit(client.get(start).headers["Location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    return client.get(f"{START}/back", {"code": "c", "state": asked["state"][0]})


def proven_member(organization: Organization) -> User:
    user = make_member(organization)
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    return user


def is_in(client: Client) -> bool:
    return client.get("/console/").status_code == 200


def test_the_sign_in_page_offers_it(organization: Organization, stranger: Client) -> None:
    assert "Sign in with Acme" in stranger.get("/console/sign-in").content.decode()


def test_nothing_of_it_is_there_without_a_provider(stranger: Client, settings: Settings) -> None:
    make_organization()
    settings.OIDC_ISSUER = ""
    assert "Sign in with" not in stranger.get("/console/sign-in").content.decode()
    assert stranger.get(START).status_code == 404


def test_whoever_is_invited_joins(organization: Organization, actor: Actor, stranger: Client) -> None:
    invite(email=EMAIL, role="viewer", actor=actor)
    assert come_back(stranger).headers["Location"] == "/console/"
    assert is_in(stranger)
    assert Membership.objects.get(user__email=EMAIL).role == "viewer"
    assert not User.objects.get(email=EMAIL).has_usable_password()
    assert come_back(Client()).status_code == 302  # and once more, as the same
    assert User.objects.filter(email=EMAIL).count() == 1


def test_an_expired_invitation_lets_nobody_in(
    organization: Organization, actor: Actor, stranger: Client
) -> None:
    invite(email=EMAIL, role="viewer", actor=actor)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert come_back(stranger).status_code == 403
    assert not User.objects.filter(email=EMAIL).exists()


def test_a_listed_domain_joins_once(organization: Organization, stranger: Client, settings: Settings) -> None:
    settings.OIDC_DOMAINS, settings.OIDC_ROLE = ["acme.example"], "viewer"
    settings.OIDC_ORGANIZATION = organization.public_id
    come_back(stranger)
    member = Membership.objects.get(user__email=EMAIL)
    assert (member.organization, member.role) == (organization, Role.VIEWER)
    member.delete()
    come_back(Client())
    assert not Membership.objects.filter(user__email=EMAIL).exists()


@pytest.mark.parametrize("email", [EMAIL, "ada@acme.example.evil.example", "acme.example@evil.example"])
def test_nobody_else_gets_in(
    organization: Organization, stranger: Client, provider: IdentityProvider, settings: Settings, email: str
) -> None:
    settings.OIDC_DOMAINS = ["acme.example"] if email != EMAIL else []
    provider.claims["email"] = email
    answer = come_back(stranger)
    assert answer.status_code == 403
    assert "invited" in answer.content.decode()
    assert not is_in(stranger)


@pytest.mark.parametrize("verified", [False, "false", None, 0])
def test_an_address_that_is_not_verified_is_none(
    organization: Organization, stranger: Client, provider: IdentityProvider, verified: object
) -> None:
    user = proven_member(organization)
    provider.claims |= {"email": user.email, "email_verified": verified}
    assert come_back(stranger).status_code == 403
    assert not is_in(stranger)


def test_a_proven_account_is_opened(
    organization: Organization, stranger: Client, provider: IdentityProvider
) -> None:
    user = proven_member(organization)
    provider.claims["email"] = user.email.upper()
    assert come_back(stranger, f"{START}?next=/console/keys").headers["Location"] == "/console/keys"
    assert SocialAccount.objects.get().user == user
    assert user.email in stranger.get("/console/").content.decode()


def test_an_account_that_may_be_anybodys_is_not(
    organization: Organization, stranger: Client, provider: IdentityProvider
) -> None:
    provider.claims["email"] = make_member(organization).email
    answer = come_back(stranger)
    assert answer.status_code == 403
    assert "never proven" in answer.content.decode()
    assert not is_in(stranger)


def test_its_owner_connects_it(organization: Organization, provider: IdentityProvider) -> None:
    user, client = make_member(organization), Client()
    client.force_login(user)
    client.post("/console/account/confirm", {"password": "a long password"})
    assert come_back(client, f"{START}?process=connect").headers["Location"] == "/console/account"
    assert "connected" in client.get("/console/account").content.decode()
    again = Client()
    come_back(again)
    assert user.email in again.get("/console/").content.decode()


def test_connecting_needs_the_password_once_more(
    organization: Organization, provider: IdentityProvider
) -> None:
    client = Client()
    client.force_login(make_member(organization))
    client.get(f"{START}?process=connect")
    asked = client.get(f"{START}?process=connect").headers["Location"]
    if urlsplit(asked).path != "/console/account/confirm":
        state = parse_qs(urlsplit(asked).query)["state"][0]
        asked = client.get(f"{START}/back", {"code": "c", "state": state}).headers["Location"]
    assert urlsplit(asked).path == "/console/account/confirm"
    assert not SocialAccount.objects.exists()


def test_an_account_that_was_turned_off_stays_so(
    organization: Organization, stranger: Client, provider: IdentityProvider
) -> None:
    user = proven_member(organization)
    provider.claims["email"] = user.email
    User.objects.filter(pk=user.pk).update(is_active=False)
    come_back(stranger)
    assert not is_in(stranger)


def test_a_forged_return_is_refused(organization: Organization, stranger: Client) -> None:
    answer = stranger.get(f"{START}/back", {"code": "c", "state": "forged"})
    assert answer.status_code == 403
    assert "did not succeed" in answer.content.decode()
