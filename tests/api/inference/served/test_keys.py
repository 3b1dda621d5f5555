"""The gateway's cached door: a change to a key takes effect at once."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone

from embassy.projects import selectors, services
from embassy.projects.models import ApiKey
from tests.factories.projects import make_key, make_project
from tests.factories.routes import make_route
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.served_gateway import Offer

PROMPT: dict[str, Any] = {"model": "tiny", "prompt": "Hello"}


def ask(client: httpx.Client, key: str, model: str = "tiny") -> httpx.Response:
    return client.post("/v1/completions", json=PROMPT | {"model": model}, headers={"X-API-Key": key})


def test_a_revoked_key_is_refused(client: httpx.Client, offer: Offer) -> None:
    row, plain = make_key()
    assert ask(client, plain).status_code == 200

    services.revoke_api_key(key=row, actor=selectors.actor_of_key(row))
    offer.change(*offer.routes)

    assert ask(client, plain).status_code == 401


def test_a_key_that_expires_while_it_is_known_is_refused(client: httpx.Client) -> None:
    _, plain = make_key(expires_at=timezone.now() + timedelta(seconds=1))
    assert ask(client, plain).status_code == 200

    while (response := ask(client, plain)).status_code == 200:
        pass

    assert response.status_code == 401


def test_a_good_prefix_with_a_wrong_secret_is_refused(client: httpx.Client) -> None:
    _, plain = make_key()
    assert ask(client, plain).status_code == 200

    assert ask(client, plain[:-1] + ("a" if plain[-1] != "a" else "b")).status_code == 401
    assert ask(client, plain).status_code == 200


def test_a_key_of_another_scope_may_not_ask(client: httpx.Client) -> None:
    _, plain = make_key(scopes=["training:write", "inference:read"])

    response = ask(client, plain)

    assert (response.status_code, response.json()["code"]) == (403, "missing_scope")


@pytest.mark.parametrize(("names", "status"), [(["tiny"], 200), (["other"], 403)])
def test_a_keys_list_of_models_is_honoured(client: httpx.Client, names: list[str], status: int) -> None:
    _, plain = make_key(model_names=names)

    assert ask(client, plain).status_code == status


def test_a_keys_list_of_projects_is_honoured(client: Any, engine: FakeEngine, offer: Offer) -> None:
    project = make_project()
    _, plain = make_key(project.organization, projects=[project])
    ours = make_route(engine.port, organization_id=project.organization_id, project_id=project.pk)
    other = make_route(
        engine.port, organization_id=project.organization_id, project_id=project.pk + 1, models=("other",)
    )
    offer.change(ours, other)

    assert ask(client, plain, "support").status_code == 200
    assert ask(client, plain, "other").status_code == 404


def test_the_keys_use_is_noted(client: httpx.Client) -> None:
    row, plain = make_key()

    ask(client, plain)

    assert ApiKey.objects.get(pk=row.pk).last_used_at is not None
