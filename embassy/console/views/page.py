"""What every page of the console has in common."""

from typing import Any, ClassVar

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views import View

from embassy.console.actor import Visitor, visitor_of
from embassy.platform.actor import Actor
from embassy.platform.errors import EmbassyError
from embassy.projects.models import Project
from embassy.projects.roles import may_only_look
from embassy.projects.selectors import get_project

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class Page(View):
    """Signed-in visitors only; whoever may not write `scope`, here, gets no further than reading."""

    scope: ClassVar[str]
    needs: ClassVar[str | None] = None  # "read" where a role that only looks may send the form all the same
    section: ClassVar[str] = "projects"  # of the navigation
    visitor: Visitor

    @property
    def actor(self) -> Actor:
        return self.visitor.actor

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        visitor = visitor_of(request)
        if visitor is None:
            return render(request, "console/no_organization.html", status=403)
        self.visitor = visitor
        try:
            self.enter()
            check_scope(self.actor, self.scope, "GET" if self.needs == "read" else request.method)
            return super().dispatch(request, *args, **kwargs)
        except EmbassyError as error:
            return self.refuse(error)

    def enter(self) -> None:
        """Look up what the address names, before the method runs. Raises NotFound."""

    @property
    def is_partial(self) -> bool:
        """Whether a script asks, which puts the answer into the page that is there."""
        return "HX-Request" in self.request.headers

    def go(self, name: str, *ids: str) -> HttpResponse:
        """On to another page, also from a script."""
        if self.is_partial:
            return HttpResponse(status=204, headers={"HX-Redirect": reverse(name, args=ids)})
        return redirect(name, *ids)

    def refuse(self, error: EmbassyError) -> HttpResponse:
        """An error that no form of ours shows: a page for a person, a box for a part of a page."""
        if self.is_partial:
            return self.page("console/_error.html", status=error.status, error=error)
        return self.page("console/error.html", status=error.status, error=error)

    def page(self, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        shared = {"visitor": self.visitor, "section": self.section}
        return render(self.request, template, shared | context, status=status)


class ProjectPage(Page):
    """A page inside a project; `tab` is the one of its parts that is shown."""

    tab: ClassVar[str] = "overview"
    project: Project

    def enter(self) -> None:
        self.project = get_project(self.actor, self.kwargs["project_id"])
        self.visitor = self.visitor.within(self.project)

    def page(self, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        # An error page may be about the project itself not being there.
        shared = {"project": getattr(self, "project", None), "tab": self.tab}
        return super().page(template, status=status, **(shared | context))


def check_scope(actor: Actor, area: str, method: str | None) -> None:
    needed = f"{area}:{'read' if method in SAFE_METHODS else 'write'}"
    if not actor.may(needed):
        raise may_only_look()


def _to_sign_in(request: HttpRequest) -> HttpResponseBase:
    if request.headers.get("HX-Request"):  # a part of a page: the page itself must go
        return HttpResponse(status=401, headers={"HX-Redirect": reverse("console:sign-in")})
    return redirect_to_login(request.get_full_path(), reverse("console:sign-in"))
