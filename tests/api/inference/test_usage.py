"""`GET /v1/usage`, and its short form for one deployment."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from embassy.deployments import services as deployments
from embassy.deployments.models import Deployment
from embassy.inference import services
from embassy.inference.spending import ABANDONED, Outcome, Total
from embassy.platform.actor import Actor
from embassy.projects import selectors
from embassy.projects.models import ApiKey, Organization, Project
from tests.conftest import client_for
from tests.factories.deployments import make_deployment
from tests.factories.projects import make_key, make_project
from tests.factories.usage import account_for, spend

NOON = datetime(2026, 5, 4, 12, 20, tzinfo=UTC)
FROM, TO = int(NOON.timestamp()) - 86400, int(NOON.timestamp()) + 3600
DAY: Any = {"from": FROM, "to": TO}
LOST = Outcome(503, "engine_lost")


@pytest.fixture
def deployment(actor: Actor, project: Project) -> Deployment:
    return make_deployment(project, actor=actor, name="support")


def usage(api: APIClient, **query: Any) -> Any:
    response = api.get("/v1/usage", DAY | query)
    assert response.status_code == 200, response.content
    return response.json()


def test_adds_up_what_was_used(api: APIClient, actor: Actor, deployment: Deployment) -> None:
    account = account_for(actor, deployment)
    spend(account, at=NOON, milliseconds=100, first_token=20, times=98)
    spend(account, at=NOON - timedelta(hours=3), milliseconds=5000, times=2)
    spend(account, at=NOON, outcome=LOST)
    spend(account, at=NOON, outcome=ABANDONED)
    total = usage(api)["total"]
    assert (total["requests"], total["errors"]) == (102, 1)
    assert (total["prompt_tokens"], total["completion_tokens"], total["total_tokens"]) == (1020, 510, 1530)
    assert total["latency_ms"]["count"] == 100
    assert total["latency_ms"]["p50"] == pytest.approx(100, rel=0.2)
    assert total["latency_ms"]["p95"] == pytest.approx(100, rel=0.2)
    assert total["latency_ms"]["p99"] == pytest.approx(5000, rel=0.2)
    assert total["first_token_ms"]["count"] == 98
    assert total["first_token_ms"]["p50"] == pytest.approx(20, rel=0.2)


def test_nothing_used_is_zeros(api: APIClient) -> None:
    answer = usage(api, group_by="model")
    assert answer["total"]["requests"] == answer["total"]["engine_seconds"] == 0
    assert answer["total"]["latency_ms"] == {"p50": None, "p90": None, "p95": None, "p99": None, "count": 0}
    assert answer["groups"] == []
    assert (answer["from"] % 3600, answer["to"]) == (0, TO)


def test_groups_by_anything(api: APIClient, actor: Actor, project: Project, deployment: Deployment) -> None:
    spend(account_for(actor, deployment), at=NOON, times=2)
    spend(account_for(actor, deployment), at=NOON - timedelta(hours=13))
    spend(account_for(actor), at=NOON)
    groups = usage(api, group_by="project,deployment,model")["groups"]
    assert [(g["project_id"], g["deployment_id"], g["model"], g["requests"]) for g in groups] == [
        (project.public_id, deployment.public_id, "support", 3),
        (None, None, "tiny-llama-instruct", 1),
    ]
    hours = usage(api, group_by="hour")["groups"]
    assert [(g["hour"], g["requests"]) for g in hours] == [
        (int(NOON.timestamp()) - 13 * 3600 - 1200, 1),
        (int(NOON.timestamp()) - 1200, 3),
    ]
    days = usage(api, group_by="day")["groups"]
    assert [(g["day"] % 86400, g["requests"]) for g in days] == [(0, 1), (0, 3)]
    prefix = ApiKey.objects.get(pk=actor.key_id).prefix
    assert [(g["key"], g["requests"]) for g in usage(api, group_by="key")["groups"]] == [(prefix, 4)]
    assert all(g["latency_ms"]["p50"] for g in groups + hours + days)


def test_narrows(api: APIClient, actor: Actor, project: Project, deployment: Deployment) -> None:
    other = make_deployment(make_project(actor), actor=actor, name="sales")
    spend(account_for(actor, deployment), at=NOON, times=2)
    spend(account_for(actor, other), at=NOON, times=3)
    spend(account_for(actor), at=NOON, times=4)
    prefix = ApiKey.objects.get(pk=actor.key_id).prefix
    for query, requests in (
        ({"project_id": project.public_id}, 2),
        ({"deployment_id": other.public_id}, 3),
        ({"model": "tiny-llama-instruct"}, 4),
        ({"key": prefix}, 9),
        ({"from": TO - 3600}, 9),
        ({"to": TO - 7200}, 0),
    ):
        assert usage(api, **query)["total"]["requests"] == requests, query


def test_engine_time_is_in_it(api: APIClient, actor: Actor, deployment: Deployment) -> None:
    account = account_for(actor, deployment)._replace(key_pk=None)
    services.add_usage(totals={account: Total(engine_milliseconds=1500)}, at=NOON)
    assert usage(api)["total"]["engine_seconds"] == 1.5
    assert usage(api, group_by="key")["groups"][0]["key"] is None


def test_the_last_day_unless_told(api: APIClient, actor: Actor) -> None:
    now = datetime.now(UTC)
    spend(account_for(actor), at=now)
    spend(account_for(actor), at=now - timedelta(days=3))
    assert api.get("/v1/usage").json()["total"]["requests"] == 1


def test_nobody_sees_what_others_used(
    api: APIClient, other_api: APIClient, actor: Actor, deployment: Deployment
) -> None:
    spend(account_for(actor, deployment), at=NOON)
    assert usage(other_api)["total"]["requests"] == 0
    prefix = ApiKey.objects.get(pk=actor.key_id).prefix
    for query in (
        {"project_id": deployment.project.public_id},
        {"deployment_id": deployment.public_id},
        {"key": prefix},
    ):
        assert other_api.get("/v1/usage", query).status_code == 404


def test_a_key_of_one_project_sees_that_project(actor: Actor, deployment: Deployment) -> None:
    organization = Organization.objects.get(pk=actor.organization_id)
    mine = make_project(actor)
    _, plain = make_key(organization, projects=[mine])
    spend(account_for(actor, deployment), at=NOON)
    spend(account_for(actor), at=NOON)
    spend(account_for(actor, make_deployment(mine, actor=actor)), at=NOON)
    limited = client_for(plain)
    assert usage(limited)["total"]["requests"] == 1
    assert limited.get("/v1/usage", {"deployment_id": deployment.public_id}).status_code == 404


def test_what_a_deleted_deployment_used_stays(api: APIClient, actor: Actor, deployment: Deployment) -> None:
    spend(account_for(actor, deployment), at=NOON)
    deployments.delete_deployment(deployment=deployment, actor=actor)
    assert usage(api, deployment_id=deployment.public_id)["total"]["requests"] == 1
    assert usage(api, group_by="deployment")["groups"][0]["deployment_id"] == deployment.public_id


def test_needs_the_scope(db: None) -> None:
    for scopes, status in ((["usage:read"], 200), (["deployments:read"], 403)):
        _, plain = make_key(scopes=scopes)
        assert client_for(plain).get("/v1/usage").status_code == status


@pytest.mark.parametrize(
    "query",
    [
        {"from": 20, "to": 10},
        {"from": "yesterday"},
        {"group_by": "colour"},
        {"to": 10**12},
        {"key": "x" * 40},
    ],
)
def test_refuses_bad_questions(api: APIClient, query: dict[str, Any]) -> None:
    response = api.get("/v1/usage", query)
    assert response.status_code == 400
    assert response.json()["code"] == "invalid_input"


def test_too_many_groups_are_refused(
    api: APIClient, actor: Actor, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embassy.inference.reports.report.MOST_GROUPS", 1)
    spend(account_for(actor, deployment), at=NOON)
    spend(account_for(actor), at=NOON)
    response = api.get("/v1/usage", DAY | {"group_by": "model"})
    assert (response.status_code, response.json()["code"]) == (400, "too_many_groups")


def test_costs_the_same_queries_however_many_rows(
    api: APIClient, actor: Actor, deployment: Deployment, django_assert_max_num_queries: Any
) -> None:
    for hour in range(20):
        for key in range(5):
            account = account_for(actor, deployment)._replace(key_pk=1000 + key)
            spend(account, at=NOON - timedelta(hours=hour), milliseconds=2.0**hour)
    with django_assert_max_num_queries(9):  # two for the key, two for the sums, three for the names
        answer = usage(api, group_by="project,deployment,key,model,hour")
    assert len(answer["groups"]) == 100


def test_short_form(api: APIClient, other_api: APIClient, actor: Actor, deployment: Deployment) -> None:
    spend(account_for(actor, deployment), at=NOON, times=2)
    spend(account_for(actor), at=NOON)
    path = f"/v1/projects/{deployment.project.public_id}/deployments/{deployment.public_id}/usage"
    answer = api.get(path, DAY | {"group_by": "hour"}).json()
    assert answer["total"]["requests"] == answer["groups"][0]["requests"] == 2
    assert other_api.get(path).status_code == 404
    other = make_project(actor)
    assert api.get(path.replace(deployment.project.public_id, other.public_id)).status_code == 404
    assert selectors.get_project(actor, other.public_id)


def test_only_get_is_offered(api: APIClient, anonymous_api: APIClient) -> None:
    for method in (api.post, api.put, api.patch, api.delete):
        assert method("/v1/usage").status_code == 405
    assert anonymous_api.get("/v1/usage").status_code == 401
