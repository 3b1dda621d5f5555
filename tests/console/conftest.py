"""Browsers of people with different roles. All are signed in, apart from `stranger`."""

import pytest
from django.test import Client

from embassy.platform.actor import Actor
from embassy.projects.models import Membership, Organization, Project, Role
from tests.factories.projects import make_member, make_organization


def browser_of(organization: Organization, role: str) -> Client:
    client = Client()
    client.force_login(make_member(organization, role=role))
    return client


@pytest.fixture
def organization(actor: Actor) -> Organization:
    return Organization.objects.get(pk=actor.organization_id)


@pytest.fixture
def member(organization: Organization) -> Client:
    return browser_of(organization, Role.MEMBER)


@pytest.fixture
def owner(organization: Organization) -> Client:
    client = Client()
    client.force_login(Membership.objects.get(organization=organization, role=Role.OWNER).user)
    return client


@pytest.fixture
def viewer(organization: Organization) -> Client:
    return browser_of(organization, Role.VIEWER)


@pytest.fixture
def outsider(db: None) -> Client:
    """Of another organization."""
    return browser_of(make_organization(), Role.OWNER)


@pytest.fixture
def stranger(db: None) -> Client:
    return Client()


@pytest.fixture
def home(project: Project) -> str:
    """Address of the project's page."""
    return f"/console/projects/{project.public_id}"
