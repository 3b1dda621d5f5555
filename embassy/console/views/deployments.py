"""Deployments: the list, one with its state and why it waits, and what can be done with it."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse

from embassy.console.field_errors import Errors, errors_of, invalid_form
from embassy.console.presenters.examples import examples
from embassy.console.presenters.models import of_deployments
from embassy.console.rule_form import choices, schedule_of, seconds_of, shown_rules, typed_rules
from embassy.console.views.page import ProjectPage
from embassy.deployments import selectors, services
from embassy.deployments.changes import change_deployment
from embassy.deployments.models import Deployment
from embassy.deployments.services import DeploymentRequest
from embassy.deployments.states import DeploymentStatus
from embassy.deployments.wake_times import last_wake, wakes_of
from embassy.platform.errors import EmbassyError, InvalidInput

PER_PAGE = 25
ON_THE_WAY = (DeploymentStatus.PENDING, DeploymentStatus.DEPLOYING, DeploymentStatus.REACTIVATING)
WAKES = 10
FIELDS = {"name": "name", "description": "description"}  # of the form, by the name in a sentence
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

    def deployment_page(
        self, template: str, part: str = "overview", *, status: int = 200, **context: Any
    ) -> HttpResponse:
        deployment = self.deployment
        shared = {
            "deployment": deployment,
            "part": part,
            "on_the_way": deployment.status in ON_THE_WAY,
            "asleep": deployment.status in ASLEEP,
            "last_wake": last_wake(deployment),
            "wake_seconds": settings.WAKE_TIMEOUT_SECONDS,
        }
        return self.page(template, status=status, **(shared | context))

    def base_url(self) -> str:
        """As this browser reaches us: behind a proxy the configured address may be another."""
        return f"{self.request.scheme}://{self.request.get_host()}"

    def back(self) -> HttpResponse:
        return redirect("console:deployment", self.project.public_id, self.deployment.public_id)

    def to_requests(self) -> HttpResponse:
        return redirect("console:deployment-requests", self.project.public_id, self.deployment.public_id)


class DeploymentDetail(DeploymentPage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        return self.shown()

    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        """Another name, description, or other rules."""
        data = request.POST
        try:
            change_deployment(
                deployment=self.deployment, changes=_changes(self.deployment, data), actor=self.actor
            )
        except EmbassyError as error:
            if error.status not in (400, 409, 422):
                raise
            self.deployment.refresh_from_db()
            typed = {"name": data.get("name", ""), "description": data.get("description", "")}
            errors = errors_of(error, FIELDS.get)
            if error.code == "name_taken":
                errors = {"name": error.message}
            return self.shown(typed, typed_rules(data), errors, status=422)
        messages.success(request, "Saved.")
        return self.back()

    def shown(
        self,
        typed: Mapping[str, str] | None = None,
        rules: Mapping[str, Any] | None = None,
        errors: Errors | None = None,
        status: int = 200,
    ) -> HttpResponse:
        deployment = self.deployment
        return self.deployment_page(
            "console/deployment.html",
            status=status,
            wakes=wakes_of(deployment)[:WAKES],
            typed=typed or {"name": deployment.name, "description": deployment.description},
            rules=rules or shown_rules(deployment.inactive_timeout, deployment.schedule),
            errors=errors or {},
            error=(errors or {}).get(""),
            **choices(),
        )


class DeploymentLive(DeploymentPage):
    """The state alone, asked for again and again."""

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        return self.deployment_page("console/_deployment_live.html")


class DeploymentTest(DeploymentPage):
    """One pane of the playground, with the deployment itself in it."""

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        ids_of = [self.project.public_id, self.deployment.public_id]
        return self.deployment_page(
            "console/deployment_test.html",
            "test",
            deployments=of_deployments([self.deployment]),
            panes=[self.deployment.public_id],
            address=reverse("console:deployment-chat", args=ids_of),
            can_ask=self.actor.may("inference:write"),
        )


class DeploymentExamples(DeploymentPage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        model, task = self.deployment.name, self.deployment.task_type
        shown = examples(base_url=self.base_url(), model=model, task=task)
        return self.deployment_page("console/deployment_examples.html", "examples", examples=shown)


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


def _changes(deployment: Deployment, data: QueryDict) -> dict[str, Any]:
    """What the form has otherwise than the row. Raises InvalidInput."""
    given: dict[str, Any] = {
        "name": data.get("name", "").strip(),
        "description": data.get("description", "").strip(),
    }
    if not given["name"]:
        raise invalid_form({"name": "Give it a name."})
    if deployment.engine.automatic:
        given |= {"inactive_timeout": seconds_of(data), "schedule": schedule_of(data)}
    return {name: value for name, value in given.items() if value != getattr(deployment, name)}
