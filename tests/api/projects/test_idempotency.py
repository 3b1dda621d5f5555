"""The header Idempotency-Key, on a POST that is one transaction and on those of other views."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.utils import timezone
from rest_framework.test import APIClient

from embassy.platform.actor import Actor
from embassy.platform.errors import Unavailable
from embassy.projects import idempotency, selectors
from embassy.projects.models import IdempotentRequest, Organization, Project
from embassy.workers.schedule import TIMETABLE
from tests.conftest import client_for
from tests.factories.datasets import make_dataset
from tests.factories.deployments import BASE, make_checkpoint, make_deployment, make_job
from tests.factories.evaluation import source
from tests.factories.projects import make_key
from tests.factories.request_logs import make_log
from tests.factories.training import make_rows

pytestmark = pytest.mark.django_db
URL = "/v1/projects"


def create(api: APIClient, key: str = "k-1", name: str = "support") -> Any:
    return api.post(URL, {"name": name}, format="json", headers={"Idempotency-Key": key})


def test_sent_again_it_is_answered_again(api: APIClient) -> None:
    first, again = create(api), create(api)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Project.objects.count() == 1


def test_the_same_json_written_otherwise_is_the_same(api: APIClient) -> None:
    first = create(api)

    again = api.post(
        URL, '{ "name" : "support" }', content_type="application/json", headers={"Idempotency-Key": "k-1"}
    )

    assert again.json() == first.json()


def test_without_the_header_nothing_is_kept(api: APIClient) -> None:
    assert api.post(URL, {"name": "a"}, format="json").json() != api.post(URL, {"name": "a"}).json()
    assert not IdempotentRequest.objects.exists()


def test_another_key_is_another_request(api: APIClient) -> None:
    assert create(api, "k-1").json() != create(api, "k-2").json()


def test_another_body_is_refused(api: APIClient) -> None:
    create(api)

    answer = create(api, name="another")

    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_reused")
    assert "another request" in answer.json()["error"]
    assert Project.objects.count() == 1


@pytest.mark.parametrize("header", ["", " ", "a b", "x" * 256, "é"])
def test_a_key_has_a_shape(api: APIClient, header: str) -> None:
    answer = create(api, header)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert not Project.objects.exists()


def test_what_failed_may_be_tried_again(api: APIClient) -> None:
    assert create(api, name="x" * 121).status_code == 400

    assert create(api).status_code == 201


def test_what_failed_half_way_leaves_nothing(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise Unavailable("Not now.")

    with monkeypatch.context() as patch:
        patch.setattr(idempotency, "complete", fail)
        assert create(api).status_code == 503

    assert not Project.objects.exists()
    assert create(api).status_code == 201


def test_other_organizations_and_keys_have_their_own(
    api: APIClient, other_api: APIClient, actor: Actor
) -> None:
    _, plain = make_key(Organization.objects.get(pk=actor.organization_id))

    answers = [create(client).json()["id"] for client in (api, other_api, client_for(plain))]

    assert len(set(answers)) == 3


def under_way(api: APIClient, *, lease: timedelta) -> IdempotentRequest:
    """As a process that was killed leaves it."""
    create(api)
    Project.objects.all().delete()
    IdempotentRequest.objects.update(answer_status=None, answer="", lease_until=timezone.now() + lease)
    return IdempotentRequest.objects.get()


def test_under_way_is_told(api: APIClient) -> None:
    under_way(api, lease=timedelta(seconds=30))

    answer = create(api)

    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_in_progress")
    assert answer.headers["Retry-After"] == "2"
    assert create(api, name="another").json()["code"] == "idempotency_key_reused"


def test_nothing_blocks_for_ever(api: APIClient) -> None:
    under_way(api, lease=timedelta(seconds=-1))

    assert create(api).status_code == 201
    assert create(api).headers["Idempotent-Replayed"] == "true"
    assert Project.objects.count() == 1


def test_who_lost_the_lease_undoes_all(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken over while it worked: what it did is rolled back, the other's answer stands."""
    real = idempotency.claim

    def overtaken(**options: Any) -> idempotency.Claim:
        claimed = real(**options)
        IdempotentRequest.objects.update(token="another's")
        return claimed

    monkeypatch.setattr(idempotency, "claim", overtaken)

    answer = create(api)

    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_in_progress")
    assert not Project.objects.exists()
    assert IdempotentRequest.objects.get().token == "another's"


@pytest.mark.django_db(transaction=True)
def test_many_at_once_do_it_once(api: APIClient) -> None:
    def send(_: int) -> Any:
        answer = create(api)
        connections.close_all()
        return answer

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(send, range(24)))

    done = [answer.json() for answer in answers if answer.status_code == 201]
    rest = [answer.json()["code"] for answer in answers if answer.status_code != 201]
    assert done
    assert all(shown == done[0] for shown in done)
    assert set(rest) <= {"idempotency_key_in_progress"}
    assert Project.objects.count() == 1


def test_after_a_day_it_is_forgotten(api: APIClient) -> None:
    first = create(api)
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(hours=25))

    assert create(api).json() != first.json()


def test_the_timetable_forgets_too(api: APIClient) -> None:
    create(api, "old")
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(hours=25))
    create(api, "new")

    assert idempotency.purge() == 1
    assert IdempotentRequest.objects.get().name == "new"
    assert idempotency.purge in [entry.run for entry in TIMETABLE]


def test_too_large_an_answer_is_not_kept(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "MAX_ANSWER", 10)

    assert create(api).json() != create(api).json()


def test_it_opens_no_door(api: APIClient, anonymous_api: APIClient, actor: Actor) -> None:
    create(api)
    _, reads = make_key(Organization.objects.get(pk=actor.organization_id), scopes=["projects:read"])

    assert create(anonymous_api).status_code == 401
    assert create(client_for(reads)).status_code == 403


# --- Other views ---------------------------------------------------------------------------------------


def deployment(api: APIClient, project: Project) -> Callable[[], Any]:
    job = make_job(project)
    make_checkpoint(job)
    body = {"training_job_id": job.public_id, "checkpoint": 1}
    url = f"/v1/projects/{project.public_id}/deployments"
    return lambda: api.post(url, body, format="json", headers={"Idempotency-Key": "k"})


def engine(api: APIClient, project: Project) -> Callable[[], Any]:
    return lambda: api.post(
        "/v1/engines", {"base_model": BASE}, format="json", headers={"Idempotency-Key": "k"}
    )


def function(api: APIClient, project: Project) -> Callable[[], Any]:
    body = {"content": source(), "dependencies": []}
    return lambda: api.post("/v1/testing-functions", body, format="json", headers={"Idempotency-Key": "k"})


def job(api: APIClient, project: Project) -> Callable[[], Any]:
    actor = actor_of_project(project)
    rows = make_dataset(project=project, actor=actor, content=make_rows(), file_name="a.jsonl", name="a")
    body = {"base_model": BASE, "train_dataset_id": rows.public_id}
    url = f"/v1/projects/{project.public_id}/training-jobs"
    return lambda: api.post(url, body, format="json", headers={"Idempotency-Key": "k"})


def actor_of_project(project: Project) -> Actor:
    return selectors.actor_of_key(make_key(project.organization)[0])


def dataset_from_logs(api: APIClient, project: Project) -> Callable[[], Any]:
    row = make_deployment(project, actor=actor_of_project(project))
    make_log(row)
    url = f"/v1/projects/{project.public_id}/deployments/{row.public_id}/logs/dataset"
    return lambda: api.post(url, {"name": "x"}, format="json", headers={"Idempotency-Key": "k"})


def dataset(api: APIClient, project: Project) -> Callable[[], Any]:
    def send() -> Any:
        file = SimpleUploadedFile("a.csv", b"input,expected_output\na,b\n")
        url = f"/v1/projects/{project.public_id}/datasets"
        return api.post(url, {"file": file}, format="multipart", headers={"Idempotency-Key": "k"})

    return send


@pytest.mark.parametrize(
    "make", [deployment, engine, function, job, dataset, dataset_from_logs], ids=lambda make: make.__name__
)
def test_other_creations(api: APIClient, project: Project, make: Any) -> None:
    send = make(api, project)

    first, again = send(), send()

    assert (first.status_code, again.status_code) == (201, 201), first.json()
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"


def test_too_large_a_body_is_not_even_parsed(api: APIClient, project: Project) -> None:
    answer = api.post(
        f"/v1/projects/{project.public_id}/datasets",
        "no multipart body",
        content_type="multipart/form-data; boundary=x",
        headers={"Idempotency-Key": "k", "Content-Length": str(100 * 1024 * 1024)},
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "too_large")
    assert not IdempotentRequest.objects.exists()


def test_another_file_is_another_body(api: APIClient, project: Project) -> None:
    url = f"/v1/projects/{project.public_id}/datasets"
    answers = [
        api.post(
            url,
            {"file": SimpleUploadedFile("a.csv", b"input,expected_output\na," + row)},
            format="multipart",
            headers={"Idempotency-Key": "k"},
        ).json()
        for row in (b"1\n", b"2\n")
    ]

    assert answers[1]["code"] == "idempotency_key_reused"
