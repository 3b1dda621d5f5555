"""Who may see and do what, over every address of the console. Each test tells of all that it finds wrong."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection
from django.http import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext

from embassy.platform.actor import Actor
from embassy.projects.models import Organization, Project, ProjectMembership, ProjectRole
from tests.console.addresses import Address, every_address
from tests.console.ids import ids_of
from tests.console.markup import forbidden_in, forbidden_in_template
from tests.factories.projects import make_member

# Whoever is not signed in may come here: to do just that, or to be sent elsewhere.
OPEN = {
    "sign-in",
    "account_login",
    "account_reset_password_from_key",
    "forgotten-password",
    "invitation",
    "mfa_authenticate",
    "mfa_index",
    "openid_connect_callback",
    "openid_connect_login",
    "set-up",
    "sign-up",
    "sign-up-mailed",
}
# About the visitor alone, whatever their role.
PERSONAL = {
    "sign-out",
    "account",
    "account_reauthenticate",
    "leave",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_download_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_reauthenticate",
    "mfa_view_recovery_codes",
    "organization",
    "password",
}
# Ids of what all projects of an organization share.
OF_ORGANIZATION = {"function_name"}
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
METHODS = ("GET", *UNSAFE)
REFUSED = (403, 404, 405)
WRITES = ("INSERT", "UPDATE", "DELETE")
OWN_TABLES = ('"django_session"',)
PARTIAL = {"HX-Request": "true"}
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def addresses(project: Project, actor: Actor) -> list[Address]:
    return every_address(ids_of(project, actor))


@pytest.fixture
def guarded(addresses: list[Address]) -> list[Address]:
    return [address for address in addresses if address.name not in OPEN | PERSONAL]


def ask(
    client: Client, method: str, address: Address, headers: dict[str, str] | None = None
) -> tuple[HttpResponseBase, list[str]]:
    """The answer, and the statements by which it changed something."""
    with CaptureQueriesContext(connection) as queries:
        answer = client.generic(method, address.path, headers=headers)
    statements = [query["sql"] for query in queries]
    changes = [
        sql for sql in statements if sql.startswith(WRITES) and not any(table in sql for table in OWN_TABLES)
    ]
    return answer, changes


def every_answer(
    client: Client, addresses: list[Address], methods: tuple[str, ...]
) -> Iterator[tuple[str, HttpResponseBase, list[str]]]:
    for address in addresses:
        for method in methods:
            answer, changes = ask(client, method, address)
            yield f"{method} {address.path} ({address.name}): {answer.status_code}", answer, changes


def test_whoever_is_not_signed_in_is_sent_to_the_sign_in(stranger: Client, addresses: list[Address]) -> None:
    closed = [address for address in addresses if address.name not in OPEN]
    wrong = []
    for said, answer, changes in every_answer(stranger, closed, METHODS):
        to_sign_in = answer.headers.get("Location", "").startswith("/console/sign-in")
        fine = answer.status_code in (401, 405) or (answer.status_code == 302 and to_sign_in)
        if not fine or changes:
            wrong.append(f"{said} {changes}")
    assert not wrong, "\n".join(wrong)


def test_parts_of_a_page_lead_the_whole_page_to_the_sign_in(stranger: Client, guarded: list[Address]) -> None:
    for address in guarded:
        answer, _ = ask(stranger, "GET", address, PARTIAL)
        if answer.status_code != 405:
            assert answer.status_code == 401, address
            assert answer.headers["HX-Redirect"] == "/console/sign-in", address


def test_a_viewer_may_look_and_changes_nothing(viewer: Client, guarded: list[Address]) -> None:
    wrong = [
        f"{said} {changes}"
        for said, answer, changes in every_answer(viewer, guarded, UNSAFE)
        if answer.status_code not in REFUSED or changes
    ]
    assert not wrong, "\n".join(wrong)


def test_who_may_only_look_at_a_project_changes_nothing_in_it(
    organization: Organization, project: Project, guarded: list[Address]
) -> None:
    user = make_member(organization)
    ProjectMembership.objects.create(project=project, user=user, role=ProjectRole.VIEWER)
    client = Client()
    client.force_login(user)
    inside = [address for address in guarded if "project_id" in address.needs]
    wrong = [
        f"{said} {changes}"
        for said, answer, changes in every_answer(client, inside, UNSAFE)
        if answer.status_code not in REFUSED or changes
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("who", ["viewer", "owner"])
def test_looking_changes_nothing_and_never_breaks(
    who: str, guarded: list[Address], request: pytest.FixtureRequest
) -> None:
    client: Client = request.getfixturevalue(who)
    wrong = [
        f"{said} {changes}"
        for said, answer, changes in every_answer(client, guarded, ("GET",))
        if answer.status_code >= 500 or changes
    ]
    assert not wrong, "\n".join(wrong)


def test_what_belongs_to_another_organization_is_not_there(outsider: Client, guarded: list[Address]) -> None:
    of_ours = [address for address in guarded if address.needs]
    wrong = []
    for address in of_ours:
        for headers in ({}, PARTIAL):
            answers = {method: ask(outsider, method, address, headers) for method in METHODS}
            statuses = {method: answer.status_code for method, (answer, _) in answers.items()}
            changed = [change for _, changes in answers.values() for change in changes]
            if not set(statuses.values()) <= {404, 405} or 404 not in statuses.values() or changed:
                wrong.append(f"{address.path} ({address.name}): {statuses} {changed}")
    assert not wrong, "\n".join(wrong)


def test_nothing_is_done_without_the_token_of_the_form(owner: Client, addresses: list[Address]) -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.cookies = owner.cookies
    wrong = [
        f"{said} {changes}"
        for said, answer, changes in every_answer(careful, addresses, UNSAFE)
        if answer.status_code != 403 or changes
    ]
    assert not wrong, "\n".join(wrong)


def test_every_answer_has_the_strict_policy(
    owner: Client, stranger: Client, addresses: list[Address]
) -> None:
    for client in (owner, stranger):
        for said, answer, _ in every_answer(client, addresses, METHODS):
            policy = answer.headers.get("Content-Security-Policy", "")
            directives = dict(part.split(" ", 1) for part in policy.split("; "))
            assert directives["default-src"] == directives["form-action"] == "'self'", said
            for name in ("object-src", "base-uri", "frame-ancestors"):
                assert directives[name] == "'none'", said
            assert directives.get("script-src", "'self'") == directives.get("style-src", "'self'") == "'self'"
            assert "unsafe" not in policy, said
            assert answer.headers["X-Content-Type-Options"] == "nosniff", said
            assert answer.headers["Referrer-Policy"] == "same-origin", said


def test_no_page_holds_what_the_policy_forbids(
    owner: Client, stranger: Client, addresses: list[Address]
) -> None:
    wrong = []
    for client in (owner, stranger):
        for said, answer, _ in every_answer(client, addresses, ("GET", "POST")):
            if answer.headers.get("Content-Type", "").startswith("text/html") and not answer.streaming:
                found = forbidden_in(getattr(answer, "content", b"").decode())
                wrong += [f"{said}: {what}" for what in found]
    assert not wrong, "\n".join(wrong)


def test_no_template_holds_what_the_policy_forbids() -> None:
    folder = Path(apps.get_app_config("console").path) / "templates"
    sources = sorted(folder.rglob("*.html"))
    found = {str(path.relative_to(folder)): forbidden_in_template(path.read_text()) for path in sources}
    assert len(sources) > 40
    assert not {name: what for name, what in found.items() if what}


@pytest.mark.parametrize("page", ["<p onclick=x>", "<p style='a'>", "<script>x</script>", "<style></style>"])
def test_the_search_finds_what_is_forbidden(page: str) -> None:
    assert forbidden_in(page)
    assert forbidden_in_template(page)


def test_pages_of_an_organization_are_not_kept_by_browsers(owner: Client, guarded: list[Address]) -> None:
    for said, answer, _ in every_answer(owner, guarded, ("GET",)):
        if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
            assert "no-store" in answer.headers["Cache-Control"], said


def test_cookies_are_kept_from_scripts_and_from_other_sites(owner: Client) -> None:
    organization = Organization.objects.latest("id").public_id
    token = owner.get("/console/").cookies["csrftoken"]
    session = owner.post("/console/organization", {"organization": organization}).cookies["sessionid"]
    assert session["httponly"]
    assert session["samesite"] == token["samesite"] == "Lax"


@pytest.mark.parametrize(("url", "secure"), [("https://embassy.example", True), ("http://localhost", False)])
def test_cookies_go_over_https_alone_where_the_platform_is_there(url: str, secure: bool) -> None:
    script = (
        "from embassy.platform import settings as s; "
        "print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SESSION_COOKIE_HTTPONLY)"
    )
    environment = os.environ | {"EMBASSY_URL": url}
    said = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == [str(secure), str(secure), "True"]


def test_a_member_neither_sees_nor_revokes_others_keys(member: Client, addresses: list[Address]) -> None:
    assert "an owner&#x27;s" not in member.get("/console/keys").content.decode()
    revoke = next(address for address in addresses if address.name == "revoke-key")
    assert member.post(revoke.path).status_code == 404


def test_a_viewer_sees_no_button_that_changes(viewer: Client, guarded: list[Address]) -> None:
    for said, answer, _ in every_answer(viewer, guarded, ("GET",)):
        if not answer.streaming:
            assert b"btn-outline-danger" not in getattr(answer, "content", b""), said


def test_ids_of_another_project_are_not_there(member: Client, guarded: list[Address]) -> None:
    member.post("/console/", {"name": "another"})
    other = Project.objects.latest("id").public_id
    ours = Project.objects.earliest("id").public_id
    for address in guarded:
        if "project_id" in address.needs and address.needs - {"project_id"} - OF_ORGANIZATION:
            answer = member.get(address.path.replace(ours, other))
            assert answer.status_code in (404, 405), address
