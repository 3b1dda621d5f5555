"""The card of a deployment's page that tells how it was used."""

from django.test import Client
from django.utils import timezone

from embassy.console.templatetags.console import milliseconds
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from tests.factories.deployments import make_deployment
from tests.factories.usage import account_for, spend


def test_shows_the_last_day(member: Client, home: str, project: Project, actor: Actor) -> None:
    deployment = make_deployment(project, actor=actor, name="tickets")
    page = f"{home}/deployments/{deployment.public_id}"
    assert f"{page}/usage" in member.get(page).content.decode()
    assert "0 read, 0 written" in member.get(f"{page}/usage").content.decode()

    spend(account_for(actor, deployment), at=timezone.now(), milliseconds=2000, first_token=20, times=3)
    card = member.get(f"{page}/usage").content.decode()
    assert "30 read, 15 written" in card
    assert "First token" in card
    assert " s median" in card
    assert " ms median" in card


def test_nobody_else_sees_it(member: Client, home: str) -> None:
    foreign = make_deployment(name="tickets")
    assert member.get(f"{home}/deployments/{foreign.public_id}/usage").status_code == 404


def test_times_are_told_as_people_say_them() -> None:
    assert [milliseconds(value) for value in (12.4, 1250, 65_000)] == ["12 ms", "1.25 s", "1 min 5 s"]
