"""An engine of the organization of `actor`, and what to deploy on it."""

from collections.abc import Callable
from typing import Any

import pytest

from embassy.deployments import services
from embassy.engines.models import Engine
from embassy.platform.actor import Actor
from embassy.projects.models import Organization, Project
from tests.factories.deployments import BASE, make_checkpoint, make_job

URL = "/v1/engines"

At = Callable[..., str]


@pytest.fixture
def engine(actor: Actor) -> Engine:
    return services.create_engine(
        base_model=BASE, name="ours", task_type=None, resource_management=None, actor=actor
    )


@pytest.fixture
def at(engine: Engine) -> At:
    """The address of the engine, or of an act on it."""
    return lambda *path: "/".join([URL, engine.public_id, *path])


@pytest.fixture
def organization(actor: Actor) -> Organization:
    return Organization.objects.get(pk=actor.organization_id)


@pytest.fixture
def body(project: Project) -> dict[str, Any]:
    """To deploy a checkpoint."""
    job = make_job(project)
    make_checkpoint(job)
    return {"project_id": project.public_id, "training_id": job.public_id, "checkpoint": 1, "name": "mine"}
