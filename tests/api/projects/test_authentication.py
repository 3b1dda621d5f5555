"""Who gets in: both header forms, and every way a key can be wrong."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from embassy.platform.actor import Actor
from embassy.projects import selectors, services
from embassy.projects.models import ApiKey
from tests.conftest import client_for
from tests.factories.projects import make_key

pytestmark = pytest.mark.django_db
URL = "/v1/projects"


@pytest.mark.parametrize(("header", "form"), [("HTTP_X_API_KEY", "{}"), ("HTTP_AUTHORIZATION", "Bearer {}")])
def test_both_header_forms_work(key: tuple[Actor, str], header: str, form: str) -> None:
    client = APIClient()
    client.credentials(**{header: form.format(key[1])})

    assert client.get(URL).status_code == 200


def test_without_a_key_the_answer_says_how_to_send_one(anonymous_api: APIClient) -> None:
    answer = anonymous_api.get(URL)

    assert answer.status_code == 401
    assert "X-API-Key" in answer.json()["error"]


@pytest.mark.parametrize("wrong", ["nonsense", "emb_", "emb_aaaaaaaa_" + "0" * 40, "Bearer"])
def test_unknown_keys_are_401(wrong: str) -> None:
    assert client_for(wrong).get(URL).status_code == 401


def test_right_prefix_with_wrong_secret_is_401(key: tuple[Actor, str]) -> None:
    plain = key[1]
    forged = plain[:-1] + ("a" if plain[-1] != "a" else "b")

    assert client_for(forged).get(URL).status_code == 401


def test_expired_and_revoked_keys_and_disabled_users_are_401(key: tuple[Actor, str]) -> None:
    organization = ApiKey.objects.get().organization
    row, expired = make_key(organization)
    ApiKey.objects.filter(pk=row.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    row, revoked = make_key(organization)
    services.revoke_api_key(key=row, actor=selectors.actor_of_key(row))

    assert client_for(expired).get(URL).status_code == 401
    assert client_for(revoked).get(URL).status_code == 401
    organization.memberships.get().user.__class__.objects.update(is_active=False)
    assert client_for(key[1]).get(URL).status_code == 401


def test_plain_key_is_stored_nowhere(key: tuple[Actor, str]) -> None:
    secret = key[1].rpartition("_")[2]

    for value in ApiKey.objects.values().get().values():
        assert secret not in str(value)


def test_scope_limits_what_a_key_may_do() -> None:
    _, plain = make_key(scopes=["projects:read"])
    client = client_for(plain)

    assert client.get(URL).status_code == 200
    refused = client.post(URL, {"name": "x"}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")


def test_last_use_is_noted(api: APIClient) -> None:
    api.get(URL)

    assert ApiKey.objects.get().last_used_at is not None
