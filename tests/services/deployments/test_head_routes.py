"""What the gateway learns of a head: enough to say what its outputs mean."""

from typing import Any

import pytest

from embassy.deployments import selectors
from embassy.deployments.routes import Route
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from tests.factories.deployments import make_checkpoint, make_deployment, make_job

pytestmark = pytest.mark.django_db


def route_with(actor: Actor, project: Project, metadata: dict[str, Any]) -> Route:
    job = make_job(project)
    make_checkpoint(job, 1, metadata=metadata)
    make_deployment(project, actor=actor, reference=job.public_id, checkpoint=1)
    [route] = [route for route in selectors.routes() if route.kind == "deployment"]
    return route


def test_labels_come_in_the_order_of_the_outputs(actor: Actor, project: Project) -> None:
    route = route_with(actor, project, {"labels": ["b", "a"], "multi_label": True, "threshold": 0.0})

    assert (route.labels, route.multi_label) == (("b", "a"), True)


def test_a_regression_comes_with_its_scale(actor: Actor, project: Project) -> None:
    route = route_with(actor, project, {"problem_type": "regression", "mean": 4.5, "deviation": 2.0})

    assert (route.mean, route.deviation, route.labels) == (4.5, 2.0, ())


def test_other_models_have_no_head(actor: Actor, project: Project) -> None:
    route = route_with(actor, project, {})

    assert (route.labels, route.multi_label, route.mean, route.deviation) == ((), False, 0.0, 1.0)
