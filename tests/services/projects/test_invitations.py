"""Links that let one address join, once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from embassy.platform.actor import Actor
from embassy.platform.errors import Conflict, Forbidden, InvalidInput, NotFound
from embassy.projects import invitations
from embassy.projects.models import AuditEvent, Invitation, Membership, Organization, User
from tests.factories.projects import make_member, make_user

EMAIL = "ada@example.com"


@pytest.fixture
def organization(actor: Actor) -> Organization:
    return Organization.objects.get(pk=actor.organization_id)


def acting(user: User, organization: Organization) -> Actor:
    return Actor(organization_id=organization.pk, user_id=user.pk, user_public_id=user.public_id)


def test_lets_its_address_join_once(actor: Actor, organization: Organization) -> None:
    _, token = invitations.invite(email=" Ada@Example.com ", role="viewer", actor=actor)
    user = make_user(email=EMAIL)
    invitation = invitations.with_token(token)
    assert invitations.accept(invitation=invitation, user=user).role == "viewer"
    with pytest.raises(NotFound):
        invitations.with_token(token)
    with pytest.raises(NotFound):  # also for who had looked it up before
        invitations.accept(invitation=invitation, user=user)
    assert Membership.objects.filter(user=user, organization=organization).count() == 1
    assert AuditEvent.objects.filter(verb="invitation.accepted").exists()


def test_is_for_nobody_else(actor: Actor) -> None:
    invitation, _ = invitations.invite(email=EMAIL, role="member", actor=actor)
    with pytest.raises(Forbidden):
        invitations.accept(invitation=invitation, user=make_user())


def test_the_token_is_not_stored(actor: Actor) -> None:
    _, token = invitations.invite(email=EMAIL, role="member", actor=actor)
    assert token not in str(Invitation.objects.values())
    assert token not in str(AuditEvent.objects.values())


def test_expires_after_a_week(actor: Actor) -> None:
    invitation, token = invitations.invite(email=EMAIL, role="member", actor=actor)
    left = invitation.expires_at - timezone.now()
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(NotFound):
        invitations.with_token(token)


def test_one_that_is_taken_back_opens_nothing(actor: Actor) -> None:
    invitation, token = invitations.invite(email=EMAIL, role="member", actor=actor)
    invitations.revoke(invitation=invitation, actor=actor)
    with pytest.raises(NotFound):
        invitations.with_token(token)


def test_a_newer_one_takes_the_place_of_the_older(actor: Actor) -> None:
    _, older = invitations.invite(email=EMAIL, role="member", actor=actor)
    _, newer = invitations.invite(email=EMAIL, role="viewer", actor=actor)
    with pytest.raises(NotFound):
        invitations.with_token(older)
    assert invitations.with_token(newer).role == "viewer"


@pytest.mark.parametrize(
    ("who", "role", "may"),
    [
        ("owner", "owner", True),
        ("admin", "admin", True),
        ("admin", "owner", False),
        ("member", "viewer", False),
        ("viewer", "viewer", False),
    ],
)
def test_who_invites_whom(organization: Organization, who: str, role: str, may: bool) -> None:
    by = acting(make_member(organization, role=who), organization)
    if may:
        invitations.invite(email=EMAIL, role=role, actor=by)
    else:
        with pytest.raises(Forbidden):
            invitations.invite(email=EMAIL, role=role, actor=by)
    assert Invitation.objects.exists() == may


def test_what_is_wrong_is_told(actor: Actor, organization: Organization) -> None:
    with pytest.raises(InvalidInput):
        invitations.invite(email="ada", role="member", actor=actor)
    with pytest.raises(InvalidInput):
        invitations.invite(email=EMAIL, role="emperor", actor=actor)
    with pytest.raises(Conflict):
        invitations.invite(email=make_member(organization).email, role="member", actor=actor)
