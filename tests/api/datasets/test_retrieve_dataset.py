"""GET /v1/projects/{project_id}/datasets/{dataset_id}"""

import asyncio

import httpx
import pytest
from rest_framework.test import APIClient

from embassy.datasets.models import Dataset
from embassy.platform.actor import Actor
from embassy.platform.files_app import files_app
from embassy.projects.models import Project
from tests.factories.datasets import csv_bytes, make_dataset
from tests.factories.projects import make_project


@pytest.fixture
def dataset(project: Project, actor: Actor) -> Dataset:
    return make_dataset(project=project, actor=actor, file_name="sümmen.csv", name="Sums")


def address(dataset: Dataset) -> str:
    return f"/v1/projects/{dataset.project.public_id}/datasets/{dataset.public_id}"


def download(url: str) -> httpx.Response:
    async def get() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=files_app)) as client:  # type: ignore[arg-type]
            return await client.get(url)

    return asyncio.run(get())


def test_it_works(api: APIClient, dataset: Dataset, actor: Actor) -> None:
    answer = api.get(address(dataset))
    body = answer.json()
    url = body.pop("dataset_download_url")
    assert answer.status_code == 200
    assert body == {
        "id": dataset.public_id,
        "name": "Sums",
        "is_uploaded": True,
        "upload_by": actor.user_public_id,
        "created_at": int(dataset.created_at.timestamp()),
        "updated_at": int(dataset.updated_at.timestamp()),
    }
    assert url.startswith("http://")


def test_the_url_gives_the_original(api: APIClient, dataset: Dataset) -> None:
    answer = download(api.get(address(dataset)).json()["dataset_download_url"])
    assert (answer.status_code, answer.content) == (200, csv_bytes())
    assert "filename*=UTF-8''s%C3%BCmmen.csv" in answer.headers["content-disposition"]


def test_wrong_method(api: APIClient, dataset: Dataset) -> None:
    for method in (api.post, api.put, api.patch):
        assert method(address(dataset)).status_code == 405


def test_no_key(anonymous_api: APIClient, dataset: Dataset) -> None:
    assert anonymous_api.get(address(dataset)).status_code == 401


def test_other_tenant(other_api: APIClient, dataset: Dataset) -> None:
    answer = other_api.get(address(dataset))
    assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")


def test_under_another_project(api: APIClient, dataset: Dataset, actor: Actor) -> None:
    other = make_project(actor)
    assert api.get(f"/v1/projects/{other.public_id}/datasets/{dataset.public_id}").status_code == 404


@pytest.mark.parametrize("public_id", ["ds-0000000000000000000000", "1", "ds-%F0%9F%99%82"])
def test_missing(api: APIClient, project: Project, public_id: str) -> None:
    answer = api.get(f"/v1/projects/{project.public_id}/datasets/{public_id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")


def test_a_nul_byte_in_the_address(api: APIClient, project: Project) -> None:
    answer = api.get(f"/v1/projects/{project.public_id}/datasets/%00")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_address")
