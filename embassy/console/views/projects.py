from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from embassy.console import selectors
from embassy.console.views.page import Page, ProjectPage
from embassy.datasets.selectors import datasets_in
from embassy.deployments.selectors import deployments_of
from embassy.platform.errors import InvalidInput
from embassy.projects.services import create_project, delete_project
from embassy.training.selectors import jobs_of

PER_PAGE = 30
LATEST = 5
MAX_NAME = 120


class ProjectList(Page):
    scope = "projects"

    def get(self, request: HttpRequest) -> HttpResponse:
        projects = Paginator(selectors.projects_with_counts(self.actor), PER_PAGE)
        return self.page("console/projects.html", projects=projects.get_page(request.GET.get("page")))

    def post(self, request: HttpRequest) -> HttpResponse:
        name = request.POST.get("name", "").strip()
        if len(name) > MAX_NAME or not name.isprintable():
            raise InvalidInput(f"name: use up to {MAX_NAME} printable characters.")
        project = create_project(name=name, actor=self.actor)
        return redirect("console:project", project.public_id)


class ProjectOverview(ProjectPage):
    scope = "projects"

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        datasets = datasets_in(self.actor, self.project)
        jobs = jobs_of(self.actor, self.project)
        deployments = deployments_of(self.actor, self.project)
        return self.page(
            "console/project.html",
            dataset_count=datasets.count(),
            job_count=jobs.count(),
            deployment_count=deployments.count(),
            jobs=jobs.order_by("-id")[:LATEST],
            deployments=deployments.order_by("-id")[:LATEST],
        )


class DeleteProject(ProjectPage):
    scope = "projects"

    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        delete_project(project=self.project, actor=self.actor)
        messages.success(request, f"The project {self.project.name} has been deleted.")
        return redirect("console:projects")
