"""DELETE /v1/projects/{project_id}/datasets/{dataset_id}"""

from unittest.mock import patch

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from embassy.datasets import services
from embassy.datasets.models import Dataset
from embassy.platform.actor import Actor
from embassy.platform.errors import NotFound
from embassy.platform.storage import get_storage
from embassy.projects.models import AuditEvent, Project
from tests.conftest import client_for
from tests.factories.datasets import make_dataset
from tests.factories.projects import make_key


@pytest.fixture
def dataset(project: Project, actor: Actor) -> Dataset:
    return make_dataset(project=project, actor=actor)


def address(dataset: Dataset) -> str:
    return f"/v1/projects/{dataset.project.public_id}/datasets/{dataset.public_id}"


def test_it_works(
    api: APIClient, dataset: Dataset, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with (
        patch("embassy.platform.enqueue.publish") as publish,
        django_capture_on_commit_callbacks(execute=True),
    ):
        answer = api.delete(address(dataset))
    assert (answer.status_code, answer.content) == (204, b"")
    assert not Dataset.objects.exists()
    publish.assert_called_once_with("datasets.purge", f"datasets/{dataset.public_id}/", queue=None)
    assert AuditEvent.objects.get(verb="dataset.deleted").subject == dataset.public_id


def test_the_task_removes_the_objects_and_may_run_again(dataset: Dataset, actor: Actor) -> None:
    other = make_dataset(actor=actor, project=dataset.project)
    for _ in range(2):
        services.purge_objects(prefix=dataset.prefix)
    assert list(get_storage().list()) == [other.original_key, other.rows_key]


def test_already_done(api: APIClient, dataset: Dataset) -> None:
    assert api.delete(address(dataset)).status_code == 204
    answer = api.delete(address(dataset))
    assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")


def test_the_slower_of_two_is_told(dataset: Dataset, actor: Actor) -> None:
    services.delete_dataset(dataset=Dataset.objects.get(), actor=actor)
    with pytest.raises(NotFound):
        services.delete_dataset(dataset=dataset, actor=actor)
    assert AuditEvent.objects.filter(verb="dataset.deleted").count() == 1


def test_no_key(anonymous_api: APIClient, dataset: Dataset) -> None:
    assert anonymous_api.delete(address(dataset)).status_code == 401
    assert Dataset.objects.exists()


def test_a_key_that_may_only_read(dataset: Dataset) -> None:
    client = client_for(make_key(dataset.project.organization, scopes=["datasets:read"])[1])
    assert client.get(address(dataset)).status_code == 200
    assert client.delete(address(dataset)).status_code == 403
    assert Dataset.objects.exists()


def test_other_tenant(other_api: APIClient, dataset: Dataset) -> None:
    assert other_api.delete(address(dataset)).status_code == 404
    assert Dataset.objects.exists()


def test_missing(api: APIClient, project: Project) -> None:
    assert api.delete(f"/v1/projects/{project.public_id}/datasets/ds-0").status_code == 404
