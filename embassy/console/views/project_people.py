"""Who may do what in one project."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from embassy.console.views.page import ProjectPage
from embassy.projects import members, people, roles
from embassy.projects.models import ProjectRole

PER_PAGE = 25


class ProjectPeople(ProjectPage):
    scope = "team"
    tab = "settings"

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        page = Paginator(people.members_of(self.actor), PER_PAGE).get_page(request.GET.get("page"))
        own = self.visitor.membership
        return self.page(
            "console/project_people.html",
            rows=page,
            people=people.seen_from(self.project, list(page.object_list)),
            roles=ProjectRole.values,
            manages=roles.manages(role=own.role, project=self.project, user_id=own.user_id),
        )


class ChangeProjectRole(ProjectPage):
    scope = "team"
    tab = "settings"

    def post(self, request: HttpRequest, user_id: str, **ids: str) -> HttpResponse:
        member = people.get_member(self.actor, user_id)
        role = request.POST.get("role") or None
        members.set_project_role(project=self.project, user=member.user, role=role, actor=self.actor)
        messages.success(request, f"{member.user.email} has another role in this project from now on.")
        return redirect("console:project-people", self.project.public_id)
