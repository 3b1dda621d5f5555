"""GET and DELETE …/logs, GET …/logs/{log_id}."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from embassy.deployments.models import Deployment
from embassy.inference.models import RequestLog
from embassy.platform.actor import Actor
from embassy.projects.models import AuditEvent, Organization, Project
from tests.conftest import client_for
from tests.factories.deployments import make_deployment
from tests.factories.projects import make_key, make_project
from tests.factories.request_logs import make_log

pytestmark = pytest.mark.django_db


def listed(api: APIClient, url: str, **query: Any) -> list[str]:
    answer = api.get(url, query)
    assert answer.status_code == 200, answer.json()
    return [log["input"] for log in answer.json()["logs"]]


def test_lists_the_newest_first(api: APIClient, url: str, deployment: Deployment, actor: Actor) -> None:
    for number in range(3):
        make_log(deployment, f"question {number}")
    make_log(make_deployment(deployment.project, actor=actor), "of another deployment")

    answer = api.get(url).json()

    assert [log["input"] for log in answer["logs"]] == ["question 2", "question 1", "question 0"]
    assert answer["next"] is None
    row = RequestLog.objects.get(input="question 2")
    assert answer["logs"][0] == {
        "id": row.public_id,
        "request_id": row.request_id,
        "endpoint": "chat.completions",
        "status": 200,
        "created_at": int(row.created_at.timestamp()),
        "input": "question 2",
        "output": "In France.",
        "prompt_tokens": 6,
        "completion_tokens": 5,
        "milliseconds": 12.5,
        "first_token_milliseconds": None,
        "is_truncated": False,
    }


def test_pages(api: APIClient, url: str, deployment: Deployment) -> None:
    for number in range(5):
        make_log(deployment, str(number))

    seen, query = [], {"limit": 2}
    while True:
        page = api.get(url, query).json()
        seen += [log["input"] for log in page["logs"]]
        if page["next"] is None:
            break
        query = {"limit": 2, "before": page["next"]}

    assert seen == ["4", "3", "2", "1", "0"]


def test_filters(api: APIClient, url: str, deployment: Deployment) -> None:
    now = timezone.now()
    make_log(deployment, "old", created_at=now - timedelta(days=2))
    make_log(deployment, "wrong", status=400, response={"error": 'Say "please".', "code": "invalid_input"})
    make_log(deployment, "gone", status=499, response=None)
    make_log(deployment, "line\nbreak", "ANSWER")

    assert listed(api, url, status="success") == ["line\nbreak", "old"]
    assert listed(api, url, status="error") == ["gone", "wrong"]
    assert listed(api, url, status="499") == ["gone"]
    yesterday = int((now - timedelta(days=1)).timestamp())
    assert listed(api, url, to=yesterday) == ["old"]
    assert listed(api, url, **{"from": yesterday}) == ["line\nbreak", "gone", "wrong"]
    assert listed(api, url, q="answer") == ["line\nbreak"]
    assert listed(api, url, q='say "please"') == ["wrong"]
    assert listed(api, url, q="e\nb") == ["line\nbreak"]
    assert listed(api, url, q="100%_") == []
    assert listed(api, url, q="old", status="error") == []


@pytest.mark.parametrize(
    "query",
    [
        {"status": "fine"},
        {"status": "999"},
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "x"},
        {"from": "yesterday"},
        {"to": "1e99"},
        {"from": "nan"},
        {"before": "log-nope"},
        {"q": "x" * 201},
    ],
)
def test_wrong_queries_are_named(api: APIClient, url: str, query: dict[str, str]) -> None:
    answer = api.get(url, query)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert next(iter(query)) in answer.json()["error"]


def test_detail_shows_the_bodies(api: APIClient, url: str, deployment: Deployment) -> None:
    row = make_log(deployment)

    shown = api.get(f"{url}/{row.public_id}").json()

    assert (shown["request"], shown["response"]) == (row.request, row.response)
    assert shown["id"] == row.public_id


def test_delete_all(api: APIClient, url: str, deployment: Deployment, actor: Actor) -> None:
    for _ in range(3):
        make_log(deployment)
    kept = make_log(make_deployment(deployment.project, actor=actor))

    assert api.delete(url).json() == {"deleted": 3}
    assert api.delete(url).json() == {"deleted": 0}

    assert list(RequestLog.objects.all()) == [kept]
    event = AuditEvent.objects.filter(verb="request_logs.deleted").earliest("id")
    assert (event.subject, event.data) == (deployment.public_id, {"deleted": 3, "older_than": None})


def test_delete_the_older(api: APIClient, url: str, deployment: Deployment) -> None:
    now = timezone.now()
    make_log(deployment, "old", created_at=now - timedelta(days=2))
    make_log(deployment, "new")

    yesterday = int((now - timedelta(days=1)).timestamp())
    assert api.delete(f"{url}?older_than={yesterday}").json() == {"deleted": 1}
    assert listed(api, url) == ["new"]
    assert api.delete(f"{url}?older_than=then").status_code == 400


def test_others_missing_and_wrong_methods(
    api: APIClient,
    other_api: APIClient,
    anonymous_api: APIClient,
    url: str,
    deployment: Deployment,
    project: Project,
    actor: Actor,
) -> None:
    row = make_log(deployment)
    elsewhere = make_log(make_deployment(project, actor=actor))
    for client, status in [(other_api, 404), (anonymous_api, 401)]:
        for address in (url, f"{url}/{row.public_id}"):
            assert client.get(address).status_code == status
        assert client.delete(url).status_code == status
    for missing in ("log-nope", elsewhere.public_id):
        answer = api.get(f"{url}/{missing}")
        assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")
    assert api.post(url).status_code == 405
    assert api.delete(f"{url}/{row.public_id}").status_code == 405
    other_project = make_project(actor)
    assert api.get(url.replace(project.public_id, other_project.public_id)).status_code == 404
    assert RequestLog.objects.count() == 2


def test_scopes(url: str, deployment: Deployment, project: Project) -> None:
    organization = Organization.objects.get(pk=project.organization_id)
    _, calls = make_key(organization, scopes=["inference:write"])
    _, reads = make_key(organization, scopes=["deployments:read"])

    assert client_for(calls).get(url).status_code == 403
    assert client_for(calls).delete(url).status_code == 403
    assert client_for(reads).get(url).status_code == 200
    assert client_for(reads).delete(url).status_code == 403
