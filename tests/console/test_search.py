"""The search in the header."""

import pytest
from django.test import Client

from embassy.engines.models import Engine
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from tests.factories.datasets import make_dataset
from tests.factories.deployments import make_deployment, make_engine, make_job

PAGE = "/console/search"
PARTIAL = {"HX-Request": "true"}


@pytest.fixture
def ids(project: Project, actor: Actor) -> dict[str, str]:
    """One of each kind, each with a word that begins with `tick`."""
    Project.objects.filter(pk=project.pk).update(name="Tickets")
    engine = make_engine()
    Engine.objects.filter(pk=engine.pk).update(
        organization_id=actor.organization_id, automatic=False, name="ticket-engine"
    )
    return {
        "project": project.public_id,
        "dataset": make_dataset(project=project, actor=actor, name="old tickets").public_id,
        "job": make_job(project, name="train_tickets").public_id,
        "deployment": make_deployment(project, actor=actor, name="ticketing").public_id,
        "engine": engine.public_id,
    }


def found(client: Client, text: str) -> str:
    answer = client.get(PAGE, {"q": text}, headers=PARTIAL)
    assert answer.status_code == 200
    page: str = answer.content.decode()
    assert "<html" not in page
    return page


def test_finds_everything_by_name(viewer: Client, ids: dict[str, str]) -> None:
    page = found(viewer, "Tick")
    assert [kind for kind, public_id in ids.items() if public_id not in page] == []


def test_finds_by_id(viewer: Client, ids: dict[str, str]) -> None:
    for kind, public_id in ids.items():
        assert public_id in found(viewer, public_id[:12]), kind


def test_hits_lead_to_pages(viewer: Client, ids: dict[str, str]) -> None:
    job = f"/console/projects/{ids['project']}/jobs/{ids['job']}"
    assert f'href="{job}"' in found(viewer, "train tick")


def test_another_organization_finds_nothing(outsider: Client, ids: dict[str, str]) -> None:
    for text in ("tick", *ids.values()):
        assert "Nothing has a name" in found(outsider, text)


@pytest.mark.parametrize("text", ["", "  ", "&|!:*", "'", "\\", "a" * 5000, "\0", "tick:*", "% _"])
def test_any_text_may_be_typed(viewer: Client, ids: dict[str, str], text: str) -> None:
    found(viewer, text)


def test_enter_leads_to_a_page(viewer: Client, ids: dict[str, str]) -> None:
    answer = viewer.get(PAGE, {"q": "tick"})
    page = answer.content.decode()
    assert "<html" in page
    assert ids["deployment"] in page
