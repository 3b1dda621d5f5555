import re
from datetime import timedelta

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
