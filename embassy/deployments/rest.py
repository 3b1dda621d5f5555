"""When a request may bring a deployment up that is down."""

from datetime import timedelta

from django.utils import timezone

from embassy.deployments.models import Deployment
from embassy.deployments.moves import ASLEEP
from embassy.deployments.states import DeploymentStatus

# What failed is left alone for so long. Then the next request tries it again: its cause may have passed.
REST = timedelta(seconds=60)


def may_be_woken(deployment: Deployment) -> bool:
    """Whether it sleeps, or failed so long ago that it has rested."""
    if deployment.status == DeploymentStatus.DEACTIVATED:
        return True
    return deployment.status in ASLEEP and timezone.now() - deployment.updated_at > REST
