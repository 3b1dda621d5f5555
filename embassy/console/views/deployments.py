"""Deployments: the list, one with its state and why it waits, and what can be done with it."""

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from embassy.console.presenters.examples import examples
from embassy.console.views.page import ProjectPage
from embassy.deployments import selectors, services
from embassy.deployments.models import Deployment
from embassy.deployments.services import DeploymentRequest
from embassy.deployments.states import DeploymentStatus
from embassy.deployments.wake_times import last_wake
from embassy.platform.errors import InvalidInput

PER_PAGE = 50
ON_THE_WAY = (DeploymentStatus.PENDING, DeploymentStatus.DEPLOYING, DeploymentStatus.REACTIVATING)
ASLEEP = (DeploymentStatus.DEACTIVATED, DeploymentStatus.FAILED, DeploymentStatus.TIMED_OUT)


class DeploymentList(ProjectPage):
    scope = "deployments"
    tab = "deployments"

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        rows = selectors.deployments_of(self.actor, self.project).order_by("-id")
        deployments = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
        return self.page("console/deployments.html", deployments=deployments)

    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        deployment = services.create_deployment(
            project=self.project, request=_request_of(request), actor=self.actor
        )
        return redirect("console:deployment", self.project.public_id, deployment.public_id)


class DeploymentPage(ProjectPage):
    """One that is about a single deployment."""

    scope = "deployments"
    tab = "deployments"
    deployment: Deployment

    def enter(self) -> None:
        super().enter()
        self.deployment = selectors.get_deployment(self.actor, self.project, self.kwargs["deployment_id"])

    def deployment_page(self, template: str) -> HttpResponse:
        deployment = self.deployment
        return self.page(
            template,
            deployment=deployment,
            on_the_way=deployment.status in ON_THE_WAY,
            asleep=deployment.status in ASLEEP,
            can_chat=self.actor.may("inference:write") and deployment.task_type == "text-generation",
            last_wake=last_wake(deployment),
            wake_seconds=settings.WAKE_TIMEOUT_SECONDS,
            examples=examples(base_url=self.base_url(), model=deployment.name, task=deployment.task_type),
        )

    def base_url(self) -> str:
        """As this browser reaches us: behind a proxy the configured address may be another."""
        return f"{self.request.scheme}://{self.request.get_host()}"

    def back(self) -> HttpResponse:
        return redirect("console:deployment", self.project.public_id, self.deployment.public_id)


class DeploymentDetail(DeploymentPage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        return self.deployment_page("console/deployment.html")


class DeploymentLive(DeploymentPage):
    """The state alone, asked for again and again."""

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        return self.deployment_page("console/_deployment_live.html")


class Reactivate(DeploymentPage):
    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        services.reactivate(deployment=self.deployment, actor=self.actor)
        return self.back()


class Deactivate(DeploymentPage):
    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        services.deactivate(deployment=self.deployment, actor=self.actor)
        return self.back()


class DeleteDeployment(DeploymentPage):
    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        services.delete_deployment(deployment=self.deployment, actor=self.actor)
        messages.success(request, f"The deployment {self.deployment.name} has been deleted.")
        return redirect("console:deployments", self.project.public_id)


def _request_of(request: HttpRequest) -> DeploymentRequest:
    """Raises InvalidInput."""
    data = request.POST
    try:
        minutes = data.get("inactive_minutes")
        timeout = round(float(minutes) * 60) if minutes else None
        checkpoint = int(data.get("checkpoint", ""))
    except (ValueError, OverflowError):
        raise InvalidInput("Write the checkpoint and the minutes as numbers.") from None
    return DeploymentRequest(
        reference=data.get("reference", ""),
        checkpoint=checkpoint,
        name=data.get("name"),
        description=data.get("description", ""),
        inactive_timeout=timeout,
        force=data.get("force") == "yes",
    )
