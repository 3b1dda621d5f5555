"""Projects: found, made, looked at, renamed, and deleted with all that is in them."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from embassy.console.overview import Holdings, holdings_of
from embassy.console.views.page import Page, ProjectPage
from embassy.deployments.selectors import deployments_of
from embassy.platform.errors import InvalidInput
from embassy.platform.words import named_like
from embassy.projects.models import Project
from embassy.projects.project_names import checked_project_name
from embassy.projects.selectors import projects_visible_to
from embassy.projects.services import create_project, delete_project, rename_project
from embassy.training.selectors import jobs_of

PER_PAGE = 24  # fills rows of two and of three
LATEST = 5
ORDERS: dict[str, tuple[str, Any]] = {
    "new": ("Newest first", "-id"),
    "old": ("Oldest first", "id"),
    "name": ("By name", Lower("name")),
}


@dataclass(frozen=True)
class Card:
    project: Project
    holds: Holdings


class ProjectList(Page):
    scope = "projects"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.listing()

    def post(self, request: HttpRequest) -> HttpResponse:
        name = request.POST.get("name", "")
        try:
            project = create_project(name=checked_project_name(name), actor=self.actor)
        except InvalidInput as error:
            return self.listing(status=error.status, name=name, error=error)
        return redirect("console:project", project.public_id)

    def listing(self, *, status: int = 200, **context: Any) -> HttpResponse:
        query = self.request.GET
        text, order = query.get("q", "").replace("\0", "").strip(), query.get("sort", "")
        order = order if order in ORDERS else "new"
        page = Paginator(_found(projects_visible_to(self.actor), text, order), PER_PAGE).get_page(
            query.get("page")
        )
        holds = holdings_of(self.actor, list(page), timezone.now())
        return self.page(
            "console/projects.html",
            status=status,
            projects=page,
            cards=[Card(project, holds[project.pk]) for project in page],
            text=text,
            order=order,
            orders={key: title for key, (title, _) in ORDERS.items()},
            **context,
        )


def _found(rows: "QuerySet[Project, Project]", text: str, order: str) -> "QuerySet[Project, Project]":
    rows = named_like(rows, text) if text else rows
    return rows.order_by(ORDERS[order][1], "-id")


class ProjectOverview(ProjectPage):
    scope = "projects"

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        return self.overview()

    def overview(self, *, status: int = 200, **context: Any) -> HttpResponse:
        jobs = jobs_of(self.actor, self.project)
        deployments = deployments_of(self.actor, self.project)
        return self.page(
            "console/project.html",
            status=status,
            holds=holdings_of(self.actor, [self.project], timezone.now())[self.project.pk],
            jobs=jobs.order_by("-id")[:LATEST],
            deployments=deployments.order_by("-id")[:LATEST],
            **context,
        )


class RenameProject(ProjectOverview):
    http_method_names = ("post",)

    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        before, name = self.project.name, request.POST.get("name", "")
        try:
            rename_project(project=self.project, name=name, actor=self.actor)
        except InvalidInput as error:
            return self.overview(status=error.status, rename_error=error, new_name=name)
        messages.success(request, f"{before} is called {self.project.name} now.")
        return redirect("console:project", self.project.public_id)


class DeleteProject(ProjectOverview):
    """What serves requests is not deleted by a slip: its project's name must be typed."""

    http_method_names = ("post",)

    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        serves = deployments_of(self.actor, self.project).exists()
        if serves and request.POST.get("name", "").strip() != self.project.name:
            told = f"Type the project's name, {self.project.name}, to delete it with its deployments."
            return self.overview(status=400, delete_error=told)
        delete_project(project=self.project, actor=self.actor)
        messages.success(request, f"The project {self.project.name} has been deleted.")
        return redirect("console:projects")
