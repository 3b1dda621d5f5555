import io
import re
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from embassy.platform.actor import Actor
from embassy.projects import selectors
from embassy.projects.models import ApiKey, AuditEvent

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
    verbs = AuditEvent.objects.filter(verb__startswith="api_key").values_list("verb", flat=True)
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
    assert event.data == {"requests_per_minute": 0, "tokens_per_minute": 9000}


def test_limits_are_checked(member: Client, outsider: Client, viewer: Client) -> None:
    member.post("/console/keys", {"name": "ci", "all_scopes": "on"})
    address = f"/console/keys/{ApiKey.objects.get(name='ci').prefix}/limits"
    for wrong in ("-1", "many", "1.5", "\u0663", "99999999999"):
        assert member.post(address, {"requests_per_minute": wrong}).status_code == 400
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
