import pytest
from django.test import Client

from embassy.console.attempts import FROM_ONE_PLACE
from embassy.projects.models import Membership, Role
from tests.factories.projects import make_organization, make_user

PASSWORD = "a long password"


def test_signs_in_and_out(stranger: Client) -> None:
    user = make_organization().memberships.get().user
    form = {"login": user.email, "password": PASSWORD, "next": "/console/keys"}

    assert stranger.post("/console/sign-in", form).headers["Location"] == "/console/keys"
    assert user.email in stranger.get("/console/").content.decode()
    assert stranger.post("/console/sign-out").headers["Location"] == "/console/sign-in"
    assert stranger.get("/console/").status_code == 302


def test_a_wrong_password_is_told(stranger: Client) -> None:
    answer = stranger.post("/console/sign-in", {"login": make_user().email, "password": "wrong"})
    assert "do not belong together" in answer.content.decode()


def test_guessing_is_stopped_even_with_the_right_guess(stranger: Client) -> None:
    user = make_organization().memberships.get().user
    for _ in range(FROM_ONE_PLACE):
        stranger.post("/console/sign-in", {"login": user.email, "password": "wrong"})
    right = {"login": user.email, "password": PASSWORD}
    answer = stranger.post("/console/sign-in", right)
    assert answer.status_code == 429
    assert "Too many wrong passwords" in answer.content.decode()
    assert stranger.get("/console/").status_code == 302
    # Others, and the same one from elsewhere, are not kept out.
    assert stranger.post("/console/sign-in", right, REMOTE_ADDR="192.0.2.7").status_code == 302


def test_never_leads_to_another_site_after_signing_in(stranger: Client) -> None:
    form = {"login": make_user().email, "password": PASSWORD, "next": "https://evil.example/"}
    assert stranger.post("/console/sign-in", form).headers["Location"] == "/console/"


def test_forms_need_their_token() -> None:
    answer = Client(enforce_csrf_checks=True).post("/console/sign-in", {"login": "a", "password": "b"})
    assert answer.status_code == 403


def test_changes_the_password(stranger: Client) -> None:
    user = make_organization().memberships.get().user
    stranger.force_login(user)
    new = "another long password"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}

    assert stranger.post("/console/password", form).status_code == 302
    user.refresh_from_db()
    assert user.check_password(new)


def test_somebody_without_an_organization_is_told_so(stranger: Client) -> None:
    stranger.force_login(make_user())
    answer = stranger.get("/console/")
    assert answer.status_code == 403
    assert "belong to no organization" in answer.content.decode()


def test_switches_the_organization_and_with_it_the_role(stranger: Client) -> None:
    first, second = make_organization(name="First"), make_organization(name="Second")
    user = first.memberships.get().user
    Membership.objects.create(organization=second, user=user, role=Role.VIEWER)
    stranger.force_login(user)

    assert stranger.post("/console/", {"name": "one"}).status_code == 302
    assert stranger.post("/console/organization", {"organization": second.public_id}).status_code == 302
    assert ">one<" not in stranger.get("/console/").content.decode()
    assert stranger.post("/console/", {"name": "two"}).status_code == 403


def test_switching_to_an_organization_of_others_is_refused(member: Client) -> None:
    answer = member.post("/console/organization", {"organization": make_organization().public_id})
    assert answer.status_code == 404


@pytest.mark.parametrize("address", ["/", "/console"])
def test_short_addresses_lead_to_the_console(stranger: Client, address: str) -> None:
    assert stranger.get(address).headers["Location"] == "/console/"


def test_pages_load_nothing_from_elsewhere_and_run_nothing_inline(member: Client) -> None:
    answer = member.get("/console/")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'; ")
    page = answer.content.decode()
    assert "<script>" not in page
    assert "style=" not in page
    assert "https://" not in page
