"""Asking models from the console: the pages with panes, and the addresses that answer them."""

from typing import Any

import orjson
from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.views import View

from embassy.catalog.selectors import get_base_model
from embassy.console.actor import visitor_of
from embassy.console.playground import Question
from embassy.console.presenters import models
from embassy.console.questions import body_for, parsed, path_for
from embassy.console.views.page import Page, ProjectPage, check_scope
from embassy.deployments.models import Deployment
from embassy.deployments.selectors import deployments_of, get_deployment
from embassy.platform.actor import Actor
from embassy.platform.errors import EmbassyError, InvalidInput, Unauthorized
from embassy.projects.models import Project
from embassy.projects.selectors import get_project

MOST_PANES = 4


class Playground(ProjectPage):
    """Deployments of the project and shared base models side by side; `?model=` names them."""

    scope = "deployments"
    tab = "playground"

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        rows = deployments_of(self.actor, self.project).order_by("-id")[: models.MOST]
        deployments, shared = models.of_deployments(rows), models.base_models()
        return self.page(
            "console/playground.html",
            deployments=deployments,
            base_models=shared,
            panes=models.chosen(request.GET.getlist("model"), [*deployments, *shared], most=MOST_PANES),
            address=reverse("console:ask", args=[self.project.public_id]),
            can_ask=self.actor.may("inference:write"),
        )


class BaseModelPlayground(Page):
    """Shared base models, which belong to no project."""

    scope = "engines"
    section = "engines"

    def get(self, request: HttpRequest) -> HttpResponse:
        shared = models.base_models()
        return self.page(
            "console/playground.html",
            deployments=[],
            base_models=shared,
            panes=models.chosen(request.GET.getlist("model"), shared, most=MOST_PANES),
            address=reverse("console:ask-base-model"),
            can_ask=self.actor.may("inference:write"),
        )


class Ask(View):
    """POST a question: an event stream or JSON as of the gateway, or an error as JSON.

    The body's `model` is a deployment of the project or a shared base model.
    """

    async def post(self, request: HttpRequest, **ids: str) -> HttpResponseBase:
        try:
            return await (await sync_to_async(self.question)(request, **ids)).response()
        except EmbassyError as error:
            body = orjson.dumps({"error": error.message, "code": error.code})
            return HttpResponse(body, status=error.status, content_type="application/json")

    def question(self, request: HttpRequest, **ids: str) -> Question:
        """Raises Unauthorized, Forbidden, NotFound, InvalidInput."""
        actor = _actor(request)
        project = get_project(actor, ids["project_id"]) if "project_id" in ids else None
        actor = actor.within(project.pk if project else None)
        check_scope(actor, "inference", request.method)
        data = parsed(request.body)
        model, task = self.target(actor, project, data, **ids)
        path = path_for(task, data)
        return Question(actor, path, body_for(path, data, model))

    def target(
        self, actor: Actor, project: Project | None, data: dict[str, Any], **ids: str
    ) -> tuple[str, str]:
        """What the gateway calls the model, and its task."""
        model = data.get("model")
        if not isinstance(model, str) or not model:
            raise InvalidInput("Choose a model first.", details={"field": "model"})
        if project is not None and model.startswith("dp-"):
            return _asked(get_deployment(actor, project, model))
        shared = get_base_model(model)
        if not shared.support_serverless:
            raise InvalidInput(f"{shared.name} answers nobody by itself. Deploy it first.")
        return shared.name, shared.task_types[0]


class DeploymentAsk(Ask):
    """Of one deployment, whatever the body names."""

    def target(
        self, actor: Actor, project: Project | None, data: dict[str, Any], **ids: str
    ) -> tuple[str, str]:
        assert project is not None
        return _asked(get_deployment(actor, project, ids["deployment_id"]))


def _asked(deployment: Deployment) -> tuple[str, str]:
    return deployment.public_id, deployment.task_type


def _actor(request: HttpRequest) -> Actor:
    visitor = visitor_of(request) if request.user.is_authenticated else None
    if visitor is None:
        raise Unauthorized("You are signed out. Sign in again.")
    return visitor.actor
