"""POST …/logs/dataset."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from embassy.datasets.models import Dataset
from embassy.datasets.rows import iter_raw
from embassy.deployments.models import Deployment
from embassy.platform.actor import Actor
from embassy.projects.models import AuditEvent, Organization, Project
from tests.conftest import client_for
from tests.factories.deployments import make_checkpoint, make_deployment, make_job
from tests.factories.projects import make_key
from tests.factories.request_logs import make_log

pytestmark = pytest.mark.django_db


def make(api: APIClient, url: str, **body: Any) -> Any:
    return api.post(f"{url}/dataset", {"name": "from logs"} | body, format="json")


def pairs() -> list[tuple[str, str]]:
    """Question and answer of each row."""
    rows = iter_raw(Dataset.objects.get())
    return [(row["messages"][-2]["content"], row["messages"][-1]["content"]) for row in rows]


def test_what_was_answered_is_what_is_learned(
    api: APIClient, url: str, deployment: Deployment, project: Project
) -> None:
    make_log(deployment, "One?", "1")
    make_log(deployment, "Two?", "2")

    answer = make(api, url)

    assert answer.status_code == 201
    dataset = Dataset.objects.get()
    assert answer.json() == {
        "id": dataset.public_id,
        "name": "from logs",
        "created_at": int(dataset.created_at.timestamp()),
        "is_uploaded": True,
        "rows": 2,
        "skipped": {"duplicate": 0, "unusable": 0},
    }
    assert (dataset.project, dataset.kind, dataset.row_count) == (project, "prompts", 2)
    assert pairs() == [("Two?", "2"), ("One?", "1")]
    assert AuditEvent.objects.filter(verb="dataset.created", subject=dataset.public_id).count() == 1


def test_errors_cut_answers_and_odd_logs_are_left_out(
    api: APIClient, url: str, deployment: Deployment
) -> None:
    make_log(deployment, "good", "yes")
    make_log(deployment, "bad", status=400, response={"error": "No.", "code": "invalid_input", "status": 400})
    make_log(deployment, "large", is_truncated=True)
    make_log(deployment, "left", status=499, response=None)
    cut = make_log(deployment, "cut", "a long")
    cut.response["choices"][0]["finish_reason"] = "length"
    cut.save()
    make_log(deployment, "silent", "")
    make_log(deployment, "   ", "of nothing")

    assert make(api, url).json()["skipped"] == {"duplicate": 0, "unusable": 3}
    assert pairs() == [("good", "yes")]
    Dataset.objects.all().delete()
    assert make(api, url, only_successful=False).json()["rows"] == 2
    assert pairs() == [("cut", "a long"), ("good", "yes")]


def test_the_newest_answer_to_a_question_is_kept(api: APIClient, url: str, deployment: Deployment) -> None:
    make_log(deployment, "same", "old")
    make_log(deployment, "same", "new")

    assert make(api, url).json()["skipped"]["duplicate"] == 1
    assert pairs() == [("same", "new")]
    Dataset.objects.all().delete()
    assert make(api, url, deduplicate=False).json()["rows"] == 2


def test_filters_and_limit(api: APIClient, url: str, deployment: Deployment) -> None:
    now = timezone.now()
    for day in range(4):
        make_log(deployment, f"day {day}", created_at=now - timedelta(days=4 - day))
    until = int((now - timedelta(days=1, hours=12)).timestamp())

    assert make(api, url, filters={"to": until, "q": "day"}, limit=2).json()["rows"] == 2
    assert pairs() == [("day 2", "In France."), ("day 1", "In France.")]


def test_conversations_and_tools_are_kept_whole(api: APIClient, url: str, deployment: Deployment) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
    tools = [{"type": "function", "function": {"name": "find", "parameters": {}}}]
    log = make_log(deployment)
    log.request["messages"] = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Find "}, {"type": "text", "text": "it."}]},
    ]
    log.request["tools"] = tools
    log.response["choices"][0] |= {
        "message": {"role": "assistant", "content": None, "tool_calls": [call]},
        "finish_reason": "tool_calls",
    }
    log.save()

    assert make(api, url).status_code == 201

    row = next(iter_raw(Dataset.objects.get()))
    assert row["tools"] == tools
    assert row["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Find it."},
        {"role": "assistant", "content": "", "tool_calls": [call]},
    ]


def test_completions_of_several_prompts(api: APIClient, url: str, deployment: Deployment) -> None:
    choices = [{"index": index, "text": f"t{index}", "finish_reason": "stop"} for index in range(4)]
    request = {"model": "tickets", "prompt": ["a", "b"], "n": 2}
    make_log(deployment, endpoint="completions", request=request, response={"choices": choices})
    make_log(
        deployment, endpoint="completions", request={"prompt": [1, 2]}, response={"choices": choices[:1]}
    )

    assert make(api, url).json()["skipped"]["unusable"] == 1
    assert pairs() == [("a", "t0"), ("b", "t2")]


@pytest.mark.parametrize(
    ("task", "metadata", "entry", "expected"),
    [
        ("classification", {"labels": ["a", "b"]}, {"logits": {"a": -1.0, "b": 0.5}}, "b"),
        ("classification", {"multi_label": True}, {"logits": {"a": 2.0, "b": -1.0}}, '{"a":1,"b":0}'),
        ("classification", {"multi_label": True}, {"probs": {"a": 0.2, "b": 0.9}}, '{"a":0,"b":1}'),
        ("regression", {}, {"value": 2.5}, "2.5"),
    ],
)
def test_heads(
    api: APIClient, actor: Actor, project: Project, task: str, metadata: Any, entry: Any, expected: str
) -> None:
    job = make_job(project, task_type=task)
    make_checkpoint(job, metadata=metadata)
    row = make_deployment(project, actor=actor, reference=job.public_id, checkpoint=1)
    request, response = {"model": row.name, "input": "Hi"}, {"data": [{"index": 0, **entry}]}
    make_log(row, endpoint=task, request=request, response=response)

    answer = make(api, f"/v1/projects/{project.public_id}/deployments/{row.public_id}/logs")

    assert answer.status_code == 201
    assert pairs() == [("Hi", expected)]


def test_nothing_to_learn(api: APIClient, url: str, deployment: Deployment) -> None:
    make_log(deployment, status=503, response={"error": "x"})

    answer = make(api, url)

    assert (answer.status_code, answer.json()["code"]) == (400, "no_rows")
    assert not Dataset.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": "x" * 201},
        {"limit": 0},
        {"limit": 100_001},
        {"filters": {"status": "fine"}},
        {"filters": {"from": "x"}},
        {"only_successful": "maybe"},
    ],
)
def test_bad_bodies(api: APIClient, url: str, deployment: Deployment, body: dict[str, Any]) -> None:
    make_log(deployment)

    answer = make(api, url, **body)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert next(iter(body)) in answer.json()["error"]
    assert not Dataset.objects.exists()


def test_vectors_teach_nothing(api: APIClient, actor: Actor, project: Project) -> None:
    job = make_job(project, task_type="embedding")
    make_checkpoint(job)
    row = make_deployment(project, actor=actor, reference=job.public_id, checkpoint=1)

    answer = make(api, f"/v1/projects/{project.public_id}/deployments/{row.public_id}/logs")

    assert (answer.status_code, answer.json()["code"]) == (400, "wrong_task")


def test_who_may(
    api: APIClient, other_api: APIClient, anonymous_api: APIClient, url: str, deployment: Deployment
) -> None:
    make_log(deployment)
    organization = Organization.objects.get(pk=deployment.organization_id)
    _, half = make_key(organization, scopes=["deployments:write"])

    assert make(other_api, url).status_code == 404
    assert make(anonymous_api, url).status_code == 401
    assert make(client_for(half), url).json()["code"] == "missing_scope"
    assert api.get(f"{url}/dataset").status_code == 405
    assert not Dataset.objects.exists()
