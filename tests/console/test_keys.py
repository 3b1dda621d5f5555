import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from embassy.platform.actor import Actor
from embassy.projects import selectors
from embassy.projects.models import ApiKey, AuditEvent, Organization, Project
from tests.factories.deployments import make_deployment
from tests.factories.projects import make_key, make_project

PLAIN = re.compile(r"emb_[0-9A-Za-z]{8}_[0-9A-Za-z]{40}")


def test_a_key_is_shown_once_and_works(member: Client) -> None:
    answer = member.post("/console/keys", {"name": "ci", "all_scopes": "on", "days": "30"})
    found = PLAIN.search(answer.content.decode())
    assert found
    actor = selectors.actor_for_key(found.group())
    assert actor
    assert actor.scopes == {"*"}
    key = ApiKey.objects.get(name="ci")
    assert key.expires_at
    assert timedelta(days=29) < key.expires_at - timezone.now() < timedelta(days=31)
    assert answer.headers["Cache-Control"] == "no-store"

    again = member.get("/console/keys").content.decode()
    assert not PLAIN.search(again)
    assert f"emb_{key.prefix}_…" in again


def test_takes_only_the_chosen_scopes(member: Client) -> None:
    member.post("/console/keys", {"name": "ci", "scopes": ["training:read", "nonsense"], "days": ""})
    key = ApiKey.objects.get(name="ci")
    assert (key.scopes, key.expires_at) == (["training:read"], None)


def test_refuses_what_makes_no_sense(member: Client) -> None:
    for form in ({"name": ""}, {"name": "x"}, {"name": "x", "all_scopes": "on", "days": "7"}):
        assert member.post("/console/keys", form).status_code == 400
    assert not ApiKey.objects.filter(name="x").exists()


def test_revokes(member: Client) -> None:
    answer = member.post("/console/keys", {"name": "ci", "all_scopes": "on"})
    found = PLAIN.search(answer.content.decode())
    assert found
    member.post(f"/console/keys/{ApiKey.objects.get(name='ci').prefix}/revoke")
    assert selectors.actor_for_key(found.group()) is None
    assert "revoked" in member.get("/console/keys").content.decode()
    prefix = ApiKey.objects.get(name="ci").prefix
    verbs = AuditEvent.objects.filter(subject=prefix).values_list("verb", flat=True)
    assert list(verbs.order_by("id")) == ["api_key.created", "api_key.revoked"]


def test_an_owner_sees_everybodys_keys(owner: Client, member: Client, actor: Actor) -> None:
    member.post("/console/keys", {"name": "of-a-member", "all_scopes": "on"})
    assert "of-a-member" in owner.get("/console/keys").content.decode()


def test_a_key_may_have_limits(member: Client) -> None:
    form = {"name": "ci", "all_scopes": "on", "requests_per_minute": "60", "tokens_per_minute": ""}
    member.post("/console/keys", form)
    key = ApiKey.objects.get(name="ci")
    assert (key.requests_per_minute, key.tokens_per_minute) == (60, None)
    assert "60 requests, any tokens" in member.get("/console/keys").content.decode()

    answer = member.post(
        f"/console/keys/{key.prefix}/limits", {"requests_per_minute": "0", "tokens_per_minute": "9000"}
    )

    assert answer.status_code == 302
    key.refresh_from_db()
    assert (key.requests_per_minute, key.tokens_per_minute) == (0, 9000)
    assert "any requests, 9000 tokens" in member.get("/console/keys").content.decode()
    event = AuditEvent.objects.get(verb="api_key.limits_changed")
    assert event.data == {"name": "ci", "requests_per_minute": 0, "tokens_per_minute": 9000}


def test_limits_are_checked(member: Client, outsider: Client, viewer: Client) -> None:
    member.post("/console/keys", {"name": "ci", "all_scopes": "on"})
    address = f"/console/keys/{ApiKey.objects.get(name='ci').prefix}/limits"
    for wrong in ("-1", "many", "1.5", "\u0663", "99999999999"):
        refused = member.post(address, {"requests_per_minute": wrong, "tokens_per_minute": "500"})
        assert refused.status_code == 400
        page = refused.content.decode()
        assert "requests_per_minute-problem" in page
        assert 'value="500"' in page
        form = {"name": "x", "all_scopes": "on", "tokens_per_minute": wrong}
        assert member.post("/console/keys", form).status_code == 400
    assert outsider.post(address, {}).status_code == 404
    assert viewer.post(address, {}).status_code == 403
    assert member.get(address).status_code == 405
    assert not ApiKey.objects.exclude(requests_per_minute=None).exists()


def test_the_command_takes_limits(actor: Actor) -> None:
    email = ApiKey.objects.get().user.email
    options = ("--name", "cron", "--requests-per-minute", "5")
    call_command("create_api_key", email, *options, stdout=io.StringIO())

    key = ApiKey.objects.get(name="cron")
    assert (key.requests_per_minute, key.tokens_per_minute) == (5, None)
    with pytest.raises(CommandError, match="whole numbers from 0"):
        call_command("create_api_key", email, "--tokens-per-minute=-1")


def test_a_key_may_be_limited_to_projects_and_models(member: Client, project: Project) -> None:
    form = {
        "name": "ci",
        "all_scopes": "on",
        "projects": [project.public_id],
        "model_names": [" sums ", "", "sums", "tiny-llama-instruct"],
    }
    assert member.post("/console/keys", form).status_code == 201
    key = ApiKey.objects.get(name="ci")
    assert list(key.projects.all()) == [project]
    assert key.model_names == ["sums", "tiny-llama-instruct"]
    page = member.get("/console/keys").content.decode()
    assert project.name in page
    assert "tiny-llama-instruct" in page


def test_what_is_wrong_stands_beside_the_field_and_nothing_is_lost(member: Client) -> None:
    form = {
        "name": "",
        "days": "date",
        "until": "2001-01-01",
        "scopes": ["training:read"],
        "model_names": ["sums"],
        "tokens_per_minute": "many",
        "projects": ["ms-nobodys"],
    }
    answer = member.post("/console/keys", form)
    page = answer.content.decode()
    assert answer.status_code == 400
    for sentence in ("1 to 120 printable", "in the future", "whole number", "is not there any more"):
        assert sentence in page
    assert 'value="2001-01-01"' in page
    assert 'value="training:read" aria-label="training: read" checked' in page
    assert 'value="sums"' in page
    assert not ApiKey.objects.filter(name="").exists()


@pytest.mark.parametrize("until", ["", "tomorrow", "2099-02-30"])
def test_the_last_day_is_a_day(member: Client, until: str) -> None:
    form = {"name": "x", "all_scopes": "on", "days": "date", "until": until}
    assert member.post("/console/keys", form).status_code == 400
    assert member.post("/console/keys", form | {"until": "2099-02-28"}).status_code == 201
    assert ApiKey.objects.get(name="x").expires_at.isoformat().startswith("2099-02-28T23:59:59")


def test_a_project_of_another_organization_is_none(member: Client) -> None:
    theirs = make_project()
    form = {"name": "x", "all_scopes": "on", "projects": [theirs.public_id]}
    assert member.post("/console/keys", form).status_code == 400


def test_the_form_offers_what_there_is(member: Client, project: Project, actor: Actor) -> None:
    make_deployment(project, actor=actor, name="sums")
    page = member.get("/console/keys/new").content.decode()
    assert project.name in page
    assert '<option value="sums">' in page
    assert '<option value="tiny-llama-instruct">' in page
    assert 'role="alert"' not in page


def test_more_keys_cost_no_more_queries(
    owner: Client, organization: Organization, project: Project, django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        make_key(organization, projects=[project])
    with django_assert_max_num_queries(8):
        owner.get("/console/keys")
    for _ in range(30):
        make_key(organization, projects=[project])
    with django_assert_max_num_queries(8):
        page = owner.get("/console/keys").content.decode()
    assert "1–25 of 34" in page
