"""Who may change whose role, and what goes with somebody who leaves."""

import pytest

from embassy.platform.actor import Actor
from embassy.platform.errors import Conflict, EmbassyError, Forbidden, InvalidInput
from embassy.projects import invitations, members, selectors
from embassy.projects.models import (
    AuditEvent,
    Invitation,
    Membership,
    Organization,
    Project,
    ProjectMembership,
    Role,
    User,
)
from tests.factories.people import give_role, key_of
from tests.factories.projects import make_member, make_project

OWNER, ADMIN, MEMBER, VIEWER = "owner", "admin", "member", "viewer"


@pytest.fixture
def organization(actor: Actor) -> Organization:
    return Organization.objects.get(pk=actor.organization_id)


def acting(user: User, organization: Organization) -> Actor:
    return Actor(organization_id=organization.pk, user_id=user.pk, user_public_id=user.public_id)


def person(organization: Organization, role: str) -> Membership:
    return Membership.objects.get(user=make_member(organization, role=role), organization=organization)


@pytest.mark.parametrize(
    ("who", "before", "after", "may"),
    [
        (OWNER, ADMIN, OWNER, True),
        (OWNER, OWNER, VIEWER, True),
        (ADMIN, MEMBER, ADMIN, True),
        (ADMIN, ADMIN, VIEWER, True),
        (ADMIN, MEMBER, OWNER, False),
        (ADMIN, OWNER, MEMBER, False),
        (MEMBER, VIEWER, MEMBER, False),
        (VIEWER, VIEWER, OWNER, False),
    ],
)
def test_who_changes_whose_role(
    organization: Organization, who: str, before: str, after: str, may: bool
) -> None:
    by, member = person(organization, who), person(organization, before)
    try:
        members.change_role(member=member, role=after, actor=acting(by.user, organization))
    except Forbidden:
        assert not may
    else:
        assert may
    member.refresh_from_db()
    assert member.role == (after if may else before)


def test_nobody_raises_their_own_role(organization: Organization) -> None:
    admin = person(organization, ADMIN)
    with pytest.raises(Forbidden):
        members.change_role(member=admin, role=OWNER, actor=acting(admin.user, organization))


def test_a_role_that_is_none_is_refused(organization: Organization, actor: Actor) -> None:
    with pytest.raises(InvalidInput):
        members.change_role(member=person(organization, MEMBER), role="emperor", actor=actor)


def test_the_last_owner_stays(organization: Organization, actor: Actor) -> None:
    owner = Membership.objects.get(organization=organization, user_id=actor.user_id)
    for act in (
        lambda: members.change_role(member=owner, role=MEMBER, actor=actor),
        lambda: members.remove_member(member=owner, actor=actor),
        lambda: members.leave(member=owner, actor=actor),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "last_owner"
    person(organization, OWNER)
    members.leave(member=owner, actor=actor)
    assert not Membership.objects.filter(pk=owner.pk).exists()


def test_an_admin_does_not_remove_an_owner(organization: Organization) -> None:
    admin = person(organization, ADMIN)
    with pytest.raises(Forbidden):
        members.remove_member(member=person(organization, OWNER), actor=acting(admin.user, organization))


def test_keys_roles_and_invitations_go_with_a_member(
    organization: Organization, actor: Actor, project: Project
) -> None:
    member = person(organization, ADMIN)
    plain = key_of(member.user, organization)
    give_role(member.user, project, VIEWER)
    _, token = invitations.invite(
        email="friend@example.com", role=MEMBER, actor=acting(member.user, organization)
    )

    members.remove_member(member=member, actor=actor)

    assert selectors.live_key(plain) is None
    assert member.user.api_keys.get().revoked_at is not None
    assert not ProjectMembership.objects.exists()
    with pytest.raises(EmbassyError):
        invitations.with_token(token)
    assert Invitation.objects.get().revoked_at is not None
    verbs = set(AuditEvent.objects.values_list("verb", flat=True))
    assert {"member.removed", "api_key.revoked", "invitation.created"} <= verbs


def test_somebody_removed_meanwhile_is_told(organization: Organization, actor: Actor) -> None:
    member = person(organization, MEMBER)
    stale = Membership.objects.get(pk=member.pk)
    members.remove_member(member=member, actor=actor)
    with pytest.raises(Conflict):
        members.change_role(member=stale, role=VIEWER, actor=actor)


def test_an_admin_of_a_project_gives_roles_in_it_alone(
    organization: Organization, project: Project, actor: Actor
) -> None:
    chief, member = person(organization, MEMBER), person(organization, MEMBER)
    give_role(chief.user, project, ADMIN)
    by = acting(chief.user, organization)
    members.set_project_role(project=project, user=member.user, role=VIEWER, actor=by)
    assert ProjectMembership.objects.get(user=member.user).role == VIEWER
    members.set_project_role(project=project, user=member.user, role=None, actor=by)
    assert not ProjectMembership.objects.filter(user=member.user).exists()
    with pytest.raises(Forbidden):
        members.set_project_role(project=make_project(actor), user=member.user, role=VIEWER, actor=by)


def test_project_roles_are_for_members_only(
    organization: Organization, project: Project, actor: Actor
) -> None:
    admin, stranger = person(organization, ADMIN), make_member(make_project().organization)
    for user in (admin.user, stranger):
        with pytest.raises(InvalidInput):
            members.set_project_role(project=project, user=user, role=VIEWER, actor=actor)
    with pytest.raises(InvalidInput):
        members.set_project_role(
            project=project, user=person(organization, MEMBER).user, role=Role.OWNER, actor=actor
        )
