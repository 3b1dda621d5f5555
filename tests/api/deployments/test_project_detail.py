"""GET and DELETE /v1/projects/{project_id}."""

import pytest
from rest_framework.test import APIClient

from embassy.deployments.models import Deployment
from embassy.engines.models import Adapter
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.workers.purge import purge_project
from tests.factories.datasets import make_dataset
from tests.factories.deployments import make_deployment

pytestmark = pytest.mark.django_db


def test_detail_shows_all_that_is_in_it(api: APIClient, actor: Actor, project: Project) -> None:
    dataset = make_dataset(project=project, actor=actor)
    deployment = make_deployment(project, actor=actor)
    make_deployment()

    shown = api.get(f"/v1/projects/{project.public_id}").json()
    assert (shown["id"], shown["name"]) == (project.public_id, project.name)
    assert [row["id"] for row in shown["datasets"]] == [dataset.public_id]
    assert deployment.training_job is not None
    assert [row["id"] for row in shown["training_jobs"]] == [deployment.training_job.public_id]
    assert [row["id"] for row in shown["deployments"]] == [deployment.public_id]


def test_empty_project(api: APIClient, project: Project) -> None:
    shown = api.get(f"/v1/projects/{project.public_id}").json()
    assert (shown["datasets"], shown["training_jobs"], shown["deployments"]) == ([], [], [])


def test_delete_hides_it_at_once_and_the_purge_removes_it(
    api: APIClient, actor: Actor, project: Project
) -> None:
    make_deployment(project, actor=actor)
    assert api.delete(f"/v1/projects/{project.public_id}").status_code == 204
    assert api.get(f"/v1/projects/{project.public_id}").status_code == 404
    assert api.get("/v1/projects").json() == []

    purge_project(project_pk=project.pk)
    assert not Deployment.objects.exists()
    assert not Adapter.objects.filter(wanted=True).exists()
    assert not Project.objects.filter(pk=project.pk).exists()


def test_others_and_missing(
    api: APIClient, other_api: APIClient, anonymous_api: APIClient, project: Project
) -> None:
    url = f"/v1/projects/{project.public_id}"
    assert other_api.get(url).status_code == other_api.delete(url).status_code == 404
    assert anonymous_api.get(url).status_code == anonymous_api.delete(url).status_code == 401
    assert api.get("/v1/projects/ms-nope").status_code == 404
    assert api.patch(url, {}).status_code == 405
    assert api.get(url).status_code == 200
