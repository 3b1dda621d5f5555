"""Who may see and do what, over every address of the console."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern

from embassy.console.urls import urlpatterns
from embassy.deployments.models import Deployment
from embassy.platform.actor import Actor
from embassy.projects.models import Organization, Project, User
from embassy.projects.services import create_api_key
from tests.factories.datasets import make_dataset
from tests.factories.deployments import make_checkpoint, make_deployment, make_job
from tests.factories.request_logs import make_log

OPEN = {"sign-in", "sign-out", "password", "account"}  # of the user alone: they decide for themselves
READS = ("GET", "POST")


@pytest.fixture
def addresses(project: Project, actor: Actor) -> dict[str, str]:
    """Every address by name, of objects that exist."""
    job = make_job(project)
    make_checkpoint(job)
    deployment = make_deployment(project, actor=actor, reference=job.public_id, checkpoint=1)
    ids = {
        "project_id": project.public_id,
        "dataset_id": make_dataset(project=project, actor=actor).public_id,
        "job_id": job.public_id,
        "deployment_id": deployment.public_id,
        "log_id": make_log(deployment).public_id,
        "number": "1",
        "prefix": _key_prefix(actor),
    }
    return {name: f"/console/{_filled(pattern, ids)}" for name, pattern in _named(urlpatterns)}


def _key_prefix(actor: Actor) -> str:
    key, _ = create_api_key(
        organization=Organization.objects.get(pk=actor.organization_id),
        user=User.objects.get(pk=actor.user_id),
        name="theirs",
    )
    return key.prefix


def _named(patterns: list[URLPattern]) -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        if pattern.name not in OPEN:
            yield str(pattern.name), str(pattern.pattern)


def _filled(pattern: str, ids: dict[str, str]) -> str:
    for name, value in ids.items():
        pattern = pattern.replace(f"<str:{name}>", value).replace(f"<int:{name}>", value)
    assert "<" not in pattern
    return pattern


def test_every_page_needs_a_sign_in(stranger: Client, addresses: dict[str, str]) -> None:
    for name, address in addresses.items():
        for method in READS:
            answer = stranger.generic(method, address)
            if answer.status_code in (401, 405):
                continue
            assert answer.status_code == 302, name
            assert answer.headers["Location"].startswith("/console/sign-in"), name


def test_parts_of_a_page_lead_the_whole_page_to_the_sign_in(
    stranger: Client, addresses: dict[str, str]
) -> None:
    answer = stranger.get(addresses["job-live"], headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/console/sign-in")


def test_objects_of_another_organization_are_not_there(outsider: Client, addresses: dict[str, str]) -> None:
    own = {"projects", "organization", "keys", "new-key"}
    for name in addresses.keys() - own:
        answers = {outsider.generic(method, addresses[name]).status_code for method in READS}
        assert answers <= {404, 405}, name
        assert 404 in answers, name


def test_a_viewer_changes_nothing(viewer: Client, addresses: dict[str, str]) -> None:
    for name, address in addresses.items():
        assert viewer.post(address).status_code in (403, 405), name
    assert Deployment.objects.get().status == "Pending"


def test_a_viewer_sees_everything_but_no_button_that_changes(
    viewer: Client, addresses: dict[str, str]
) -> None:
    for name in ("projects", "project", "datasets", "dataset", "jobs", "job", "deployments", "deployment"):
        answer = viewer.get(addresses[name])
        assert answer.status_code == 200, name
        assert "btn-outline-danger" not in answer.content.decode(), name


def test_a_member_neither_sees_nor_revokes_others_keys(member: Client, addresses: dict[str, str]) -> None:
    assert "theirs" not in member.get("/console/keys").content.decode()
    assert member.post(addresses["revoke-key"]).status_code == 404


def test_ids_of_another_project_are_not_there(member: Client, addresses: dict[str, str]) -> None:
    member.post("/console/", {"name": "another"})
    other = Project.objects.latest("id").public_id
    wrong = addresses["job"].replace(addresses["project"].split("/")[3], other)
    assert member.get(wrong).status_code == 404
