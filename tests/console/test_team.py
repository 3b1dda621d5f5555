"""The pages on which people are invited, given roles and removed."""

import re

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from embassy.projects.models import (
    Invitation,
    Membership,
    Organization,
    Project,
    ProjectMembership,
    Role,
    User,
)
from tests.factories.people import give_role
from tests.factories.projects import make_member, make_organization, make_user

EMAIL = "ada@example.com"
PASSWORD = "quite a long password"


def link_in(text: str) -> str:
    found = re.search(r"http://[^/]+(/console/[\w/-]+)", text)
    assert found, text
    return found[1]


def invited(owner: Client, *, role: str = "member", email: str = EMAIL) -> str:
    """Address of the invitation's page."""
    answer = owner.post("/console/team", {"email": email, "role": role})
    assert answer.status_code == 201
    return link_in(answer.content.decode())


def test_somebody_new_joins_by_the_link(owner: Client, stranger: Client, organization: Organization) -> None:
    address = invited(owner, role="viewer")
    assert "Join" in stranger.get(address).content.decode()
    assert stranger.post(address, {"password": PASSWORD}).headers["Location"] == "/console/"
    assert organization.name in stranger.get("/console/").content.decode()
    assert Membership.objects.get(user__email=EMAIL).role == "viewer"
    assert Client().get(address).status_code == 404


def test_a_weak_password_is_told_beside_the_field(owner: Client, stranger: Client) -> None:
    answer = stranger.post(invited(owner), {"password": "password"})
    assert answer.status_code == 422
    assert "is-invalid" in answer.content.decode()
    assert not User.objects.filter(email=EMAIL).exists()


def test_somebody_known_joins_once_signed_in(owner: Client, stranger: Client) -> None:
    user = make_organization().memberships.get().user
    address = invited(owner, email=user.email)
    page = stranger.get(address).content.decode()
    assert "Sign in to join" in page
    assert "id_password" not in page
    assert stranger.post(address, {"password": PASSWORD}).status_code == 409  # nobody takes the account over
    stranger.force_login(user)
    assert stranger.post(address).status_code == 302
    assert user.memberships.count() == 2


def test_another_one_cannot_use_it(owner: Client, outsider: Client) -> None:
    address = invited(owner)
    assert "You are signed in as" in outsider.get(address).content.decode()
    assert outsider.post(address).status_code == 403
    assert Invitation.objects.get().accepted_at is None


def test_mailed_where_there_is_a_server_and_shown_to_nobody(owner: Client, settings: Settings) -> None:
    settings.MAIL_IS_SENT = True
    answer = owner.post("/console/team", {"email": EMAIL, "role": "member"}, follow=True)
    assert "/console/invitations/" not in answer.content.decode()
    [sent] = mail.outbox
    assert sent.to == [EMAIL]
    assert Client().get(link_in(sent.body)).status_code == 200


def test_links_never_take_the_host_of_the_request(owner: Client) -> None:
    answer = owner.post("/console/team", {"email": EMAIL, "role": "member"}, HTTP_HOST="evil.example")
    assert "evil.example" not in answer.content.decode()


def test_an_invitation_is_taken_back(owner: Client, stranger: Client) -> None:
    address = invited(owner)
    owner.post(f"/console/team/invitations/{Invitation.objects.get().public_id}/revoke")
    assert stranger.get(address).status_code == 404


def test_what_is_wrong_is_told_and_kept(owner: Client) -> None:
    answer = owner.post("/console/team", {"email": "ada", "role": "viewer"})
    assert answer.status_code == 400
    assert 'value="ada"' in answer.content.decode()


def test_a_member_sees_the_team_and_no_buttons(member: Client) -> None:
    page = member.get("/console/team").content.decode()
    assert "owner" in page
    assert "Invite" not in page
    assert "Remove" not in page
    assert member.post("/console/team", {"email": EMAIL, "role": "viewer"}).status_code == 403


def test_a_role_is_changed_and_holds_at_once(
    owner: Client, member: Client, organization: Organization
) -> None:
    user = Membership.objects.get(organization=organization, role=Role.MEMBER).user
    assert member.post("/console/", {"name": "one"}).status_code == 302
    owner.post(f"/console/team/{user.public_id}/role", {"role": "viewer"})
    assert member.post("/console/", {"name": "two"}).status_code == 403


def test_the_last_owner_is_told_why_not(owner: Client, organization: Organization) -> None:
    user = organization.memberships.get(role=Role.OWNER).user
    answer = owner.post(f"/console/team/{user.public_id}/role", {"role": "viewer"})
    assert answer.status_code == 409
    assert "last owner" in answer.content.decode()
    assert owner.post("/console/team/leave").status_code == 409


def test_whoever_is_removed_is_out_at_once(owner: Client, member: Client, organization: Organization) -> None:
    user = Membership.objects.get(organization=organization, role=Role.MEMBER).user
    assert member.get("/console/").status_code == 200
    assert owner.post(f"/console/team/{user.public_id}/remove").status_code == 302
    assert member.get("/console/").status_code == 403


def test_a_viewer_may_leave(viewer: Client) -> None:
    assert viewer.post("/console/team/leave").status_code == 302
    assert viewer.get("/console/").status_code == 403


def test_an_owner_makes_a_link_for_a_forgotten_password(
    owner: Client, stranger: Client, organization: Organization
) -> None:
    user = make_member(organization)
    page = owner.post(f"/console/team/{user.public_id}/reset").content.decode()
    address = stranger.get(link_in(page)).headers["Location"]
    assert stranger.post(address, {"password1": "short", "password2": "short"}).status_code == 422
    answer = stranger.post(address, {"password1": PASSWORD, "password2": PASSWORD})
    assert answer.headers["Location"] == "/console/sign-in"
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert "not valid any more" in Client().get(link_in(page)).content.decode()


@pytest.mark.parametrize("kind", ["elsewhere too", "runs the platform"])
def test_nobody_resets_whose_account_opens_more(owner: Client, organization: Organization, kind: str) -> None:
    user = make_member(organization)
    if kind == "elsewhere too":
        Membership.objects.create(organization=make_organization(), user=user)
    else:
        User.objects.filter(pk=user.pk).update(is_superuser=True)
    assert owner.post(f"/console/team/{user.public_id}/reset").status_code == 403


def test_an_admin_resets_no_owner(organization: Organization, stranger: Client) -> None:
    stranger.force_login(make_member(organization, role=Role.ADMIN))
    owner = organization.memberships.get(role=Role.OWNER).user
    assert stranger.post(f"/console/team/{owner.public_id}/reset").status_code == 403


def test_people_of_others_are_not_there(owner: Client) -> None:
    for act in ("role", "remove", "reset"):
        assert owner.post(f"/console/team/{make_user().public_id}/{act}").status_code == 404


def test_a_role_in_a_project(owner: Client, organization: Organization, project: Project, home: str) -> None:
    user = make_member(organization, role=Role.VIEWER)
    theirs = Client()
    theirs.force_login(user)
    assert theirs.post(f"{home}/delete").status_code == 403
    assert owner.post(f"{home}/people/{user.public_id}", {"role": "member"}).status_code == 302
    assert ProjectMembership.objects.get().role == "member"
    assert "Upload" in theirs.get(f"{home}/datasets").content.decode()
    assert theirs.post(f"{home}/people/{user.public_id}", {"role": "admin"}).status_code == 403
    assert theirs.post(f"{home}/delete").status_code == 302


def test_a_viewer_of_one_project_works_in_the_others(
    organization: Organization, project: Project, home: str
) -> None:
    user = make_member(organization)
    give_role(user, project, Role.VIEWER)
    theirs = Client()
    theirs.force_login(user)
    assert theirs.post(f"{home}/delete").status_code == 403
    assert "btn-outline-danger" not in theirs.get(home).content.decode()
    assert theirs.post("/console/", {"name": "another"}).status_code == 302


def test_who_may_do_what_is_shown(owner: Client, member: Client, home: str) -> None:
    assert "Save" in owner.get(f"{home}/people").content.decode()
    assert "Save" not in member.get(f"{home}/people").content.decode()
