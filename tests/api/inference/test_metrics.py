"""`GET /metrics`: who may read it, what is in it, and that Prometheus can."""

from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse
from pytest_django import Settings
from rest_framework.test import APIClient

from embassy.deployments.models import Deployment, Wake
from embassy.inference import series
from embassy.inference.metrics.exposition import CACHE
from embassy.inference.series import Series
from embassy.inference.spending import ABANDONED, Account, Outcome, Spent, Total
from embassy.platform.actor import Actor
from embassy.projects.models import Organization, Project
from tests.conftest import client_for
from tests.factories.deployments import ago, make_deployment, make_engine, make_job, run_engine, up
from tests.factories.projects import make_key, make_project
from tests.factories.usage import account_for

TOKEN = "a-long-token-of-the-operator"
Samples = dict[str, dict[tuple[str, ...], float]]


@pytest.fixture(autouse=True)
def own_series(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Series]:
    """Nothing of other tests in it."""
    own = Series()
    monkeypatch.setattr("embassy.inference.metrics.gateway.SERIES", own)
    settings.METRICS_TOKEN = TOKEN
    CACHE.clear()
    yield own
    CACHE.clear()


@pytest.fixture
def deployment(actor: Actor, project: Project) -> Deployment:
    return up(make_deployment(project, actor=actor, name="support"))


@pytest.fixture
def operator(db: None) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {TOKEN}")
    return client


def total_of(*requests: Spent, milliseconds: float = 100) -> Total:
    total = Total()
    for spent in requests:
        total.count(spent, spent.began_at + milliseconds / 1000)
    return total


def samples(client: APIClient, **options: Any) -> Samples:
    """By name and the values of the labels, in the order of their names."""
    response = client.get("/metrics", **options)
    assert response.status_code == 200, response.content
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    found: Samples = {}
    for family in parse(response.content.decode()):
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            series = found.setdefault(sample.name, {})
            assert labels not in series, (sample.name, labels)
            series[labels] = sample.value
    return found


def test_what_the_gateway_answered(operator: APIClient, own_series: Series) -> None:
    account = Account(1, 2, 3, 4, "support", "dp-1")
    answered = Spent(
        began_at=10.0, sent_at=12.0, first_at=10.05, was_held=True, prompt_tokens=7, completion_tokens=3
    )
    refused = Spent(began_at=10.0, outcome=Outcome(503, "engine_lost"))
    own_series.fold(
        {account: total_of(answered, refused, Spent(began_at=10.0, outcome=ABANDONED))},
        {Outcome(429, "rate_limited"): 2},
    )
    found = samples(operator)
    who = ("dp-1", "support")
    assert found["embassy_gateway_requests_total"] == {
        ("", "", "429"): 2,
        (*who, "200"): 1,
        (*who, "499"): 1,
        (*who, "503"): 1,
    }
    assert found["embassy_gateway_errors_total"] == {
        ("rate_limited", "", ""): 2,
        ("engine_lost", *who): 1,
    }
    assert found["embassy_gateway_prompt_tokens_total"] == {who: 7}
    assert found["embassy_gateway_completion_tokens_total"] == {who: 3}
    assert found["embassy_gateway_request_seconds_count"] == {who: 1}
    assert found["embassy_gateway_request_seconds_sum"][who] == pytest.approx(0.1)
    assert found["embassy_gateway_first_token_seconds_sum"][who] == pytest.approx(0.05)
    assert found["embassy_gateway_held_seconds_sum"][who] == pytest.approx(2)


def test_buckets_add_up(operator: APIClient, own_series: Series) -> None:
    times = (0.5, 3, 100, 130, 1e9)
    for milliseconds in times:
        total = total_of(Spent(began_at=0.0), milliseconds=milliseconds)
        own_series.fold({Account(1, None, None, 4, "tiny"): total}, {})
    buckets = samples(operator)["embassy_gateway_request_seconds_bucket"]
    found = {bound: count for (_, bound, _), count in buckets.items()}
    assert (found["0.001"], found["0.004"], found["0.128"], found["0.256"]) == (1, 2, 3, 4)
    assert (found["1048.58"], found["+Inf"]) == (4, 5)
    assert len(found) < 25


def test_a_base_model_is_one_whoever_asks_it(operator: APIClient, own_series: Series) -> None:
    for organization in (1, 2):
        own_series.fold({Account(organization, None, None, 4, "tiny"): total_of(Spent())}, {})
    assert samples(operator)["embassy_gateway_requests_total"] == {("", "tiny", "200"): 2}


def test_there_are_never_too_many_series(
    operator: APIClient, own_series: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series, "MOST_SERIES", 3)
    for pk in range(10):
        own_series.fold({Account(1, 2, pk, 4, f"m{pk}", f"dp-{pk}"): total_of(Spent())}, {})
    found = samples(operator)["embassy_gateway_requests_total"]
    assert len(found) == 4
    assert found["other", "other", "200"] == 7


def test_what_the_rows_say(operator: APIClient, actor: Actor, deployment: Deployment) -> None:
    make_job(deployment.project, status="Pending")
    Wake.objects.create(
        deployment=deployment,
        model="support",
        cause="request",
        outcome="ready",
        asked_at=ago(60),
        seconds=1.5,
    )
    Wake.objects.create(deployment=deployment, model="support", cause="request", asked_at=ago(1))
    found = samples(operator)
    assert found["embassy_training_jobs"]["Pending",] == 1
    assert found["embassy_training_jobs"]["Failed",] == 0
    assert found["embassy_deployments"]["Deployed",] == 1
    assert sum(found["embassy_engines"].values()) == 1
    assert found["embassy_oldest_waiting_seconds"]["training_job",] > 0
    assert found["embassy_oldest_waiting_seconds"]["engine",] == 0
    assert found["embassy_wakes_total"]["request", "ready"] == 1
    assert found["embassy_wake_seconds_total"]["request", "ready"] == 1.5
    assert set(found["embassy_queue_length"]) >= {("control",), ("training",), ("engines",)}
    assert found["process_resident_memory_bytes"][()] > 0


def test_a_key_sees_its_organization(
    api: APIClient, other_api: APIClient, actor: Actor, deployment: Deployment, own_series: Series
) -> None:
    own_series.fold({account_for(actor, deployment): total_of(Spent())}, {Outcome(401, "unauthorized"): 1})
    mine, others = samples(api), samples(other_api)
    who = (deployment.public_id, "support")
    assert mine["embassy_gateway_requests_total"] == {(*who, "200"): 1}
    assert "embassy_gateway_requests_total" not in others
    assert (mine["embassy_deployments"]["Deployed",], others["embassy_deployments"]["Deployed",]) == (1, 0)
    for hidden in ("embassy_queue_length", "process_resident_memory_bytes", "embassy_host_alive"):
        assert hidden not in mine
    assert "embassy_engines" not in mine  # an automatic engine is the platform's


def test_a_key_of_one_project_sees_that_project(
    actor: Actor, deployment: Deployment, own_series: Series
) -> None:
    organization = Organization.objects.get(pk=actor.organization_id)
    _, plain = make_key(organization, projects=[make_project(actor)])
    own_series.fold({account_for(actor, deployment): total_of(Spent())}, {})
    found = samples(client_for(plain))
    assert "embassy_gateway_requests_total" not in found
    assert found["embassy_deployments"]["Deployed",] == 0


def test_is_never_open(anonymous_api: APIClient, db: None, settings: Settings) -> None:
    assert anonymous_api.get("/metrics").status_code == 401
    assert anonymous_api.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
    settings.METRICS_TOKEN = ""
    assert anonymous_api.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 401
    assert anonymous_api.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 401
    _, plain = make_key(scopes=["inference:write"])
    assert client_for(plain).get("/metrics").json()["code"] == "missing_scope"
    _, plain = make_key(scopes=["metrics:read"])
    assert client_for(plain).get("/metrics").status_code == 200
    assert client_for(plain).post("/metrics").status_code == 405


def test_scrapes_cost_few_queries(
    operator: APIClient, actor: Actor, project: Project, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        make_job(project)
        make_deployment(project, actor=actor)
    run_engine(make_engine())
    with django_assert_max_num_queries(9):
        samples(operator)
    with django_assert_max_num_queries(0):
        samples(operator)


def test_openmetrics_where_it_is_preferred(operator: APIClient, own_series: Series) -> None:
    own_series.fold({Account(1, 2, 3, 4, 'a "quoted"\nname', "dp-1"): total_of(Spent())}, {})
    response = operator.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert response.headers["Content-Type"].startswith("application/openmetrics-text")
    names = {family.name for family in parse_openmetrics(response.content.decode())}
    assert "embassy_gateway_requests" in names
    assert samples(operator)["embassy_gateway_requests_total"]["dp-1", 'a "quoted"\nname', "200"] == 1
