"""Test functions: the built-in ones to read, the organization's own to write, and both to try."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from embassy.console import dry_rows
from embassy.console.function_form import (
    SAMPLE,
    TEMPLATE,
    Written,
    errors_of,
    rows_of,
    source_problems,
    written,
)
from embassy.console.presenters.dry_run import scored_rows
from embassy.console.presenters.functions import card_of, cards_of
from embassy.console.views.page import ProjectPage
from embassy.evaluation import packages, registry, selectors, services
from embassy.evaluation.builtin.table import BUILT_IN
from embassy.evaluation.functions import BuiltIn
from embassy.evaluation.models import TestFunction
from embassy.evaluation.serializers import MAX_DRY_ROWS
from embassy.evaluation.task_types import TaskType
from embassy.platform.errors import EmbassyError, Forbidden
from embassy.training.selectors import jobs_scored_by
from embassy.training.states import UNFINISHED

PER_PAGE = 25
SHOWN_JOBS = 5


class FunctionPage(ProjectPage):
    scope = "evaluation"
    tab = "test-functions"

    def editor(self, values: Written, *, status: int = 200, **context: Any) -> HttpResponse:
        """The page to write a function on, with what is in its fields."""
        datasets, jobs = dry_rows.sources(self.actor, self.project)
        shared = {
            "values": values,
            "packages": packages.allowed(),
            "tasks": TaskType.values,
            "rows": SAMPLE,
            "most_rows": MAX_DRY_ROWS,
            "datasets": datasets,
            "jobs": jobs,
        }
        return self.page("console/test_function.html", status=status, **(shared | context))

    def refused(self, error: EmbassyError, values: Written, **context: Any) -> HttpResponse:
        """The same page with what is wrong."""
        return self.editor(
            values,
            status=error.status,
            errors=errors_of(error),
            problems=source_problems(error),
            **context,
        )


class FunctionList(FunctionPage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        rows = Paginator(selectors.functions_of(self.actor), PER_PAGE).get_page(request.GET.get("page"))
        own = [(row, card_of(registry.resolved(row))) for row in rows]
        return self.page("console/test_functions.html", rows=rows, own=own, built_in=cards_of(BUILT_IN))


class NewFunction(FunctionPage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        name = request.GET.get("copy", "").replace("\0", "")
        return self.editor(self.copied(name) if name else Written(TEMPLATE, (), ()))

    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        values = written(request.POST)
        try:
            row = services.create_test_function(
                content=values.content,
                dependencies=values.dependencies,
                task_types=values.task_types,
                actor=self.actor,
            )
        except EmbassyError as error:
            return self.refused(error, values)
        messages.success(request, f"The test function {row.name} has been created.")
        return redirect("console:test-function", self.project.public_id, row.name)

    def copied(self, name: str) -> Written:
        """Under another name, for the old one is taken."""
        known = registry.built_in(name) or registry.resolved(selectors.get_function(self.actor, name))
        new = f"{name.removesuffix('_shared')}_copy"
        content = known.content.replace(f"def {name}(", f"def {new}(")
        return Written(content, tuple(known.dependencies), tuple(known.task_types))


class OneFunction(FunctionPage):
    """One that the address names: built in, or the organization's own."""

    built_in: BuiltIn | None
    row: TestFunction | None = None

    def enter(self) -> None:
        super().enter()
        name = self.kwargs["function_name"].replace("\0", "")
        self.built_in = registry.built_in(name)
        if self.built_in is None:
            self.row = selectors.get_function(self.actor, name)

    def own(self) -> TestFunction:
        """Raises Forbidden for a built-in one."""
        if self.row is None:
            raise Forbidden("Built-in test functions cannot be changed. Copy this one under another name.")
        return self.row

    def about(self) -> dict[str, Any]:
        name = self.kwargs["function_name"]
        jobs = jobs_scored_by(self.actor, name)
        return {
            "name": name,
            "row": self.row,
            "built_in": self.built_in,
            "job_count": jobs.count(),
            "unfinished_count": jobs.filter(status__in=UNFINISHED).count(),
            "used_by": jobs.select_related("project").order_by("-id")[:SHOWN_JOBS],
        }


class FunctionDetail(OneFunction):
    """To read if it is built in, else to change."""

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        function = self.built_in or self.own()
        values = Written(function.content, tuple(function.dependencies), tuple(function.task_types))
        return self.editor(values, **self.about())

    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        """The name of what is stored follows the source."""
        row, values = self.own(), written(request.POST)
        try:
            checked = services.check(content=values.content, dependencies=values.dependencies)
            changed = services.update_test_function(
                function=row,
                content=values.content,
                name=checked.name,
                dependencies=values.dependencies,
                task_types=values.task_types,
                actor=self.actor,
            )
        except EmbassyError as error:
            row.refresh_from_db()  # its name must not be what could not be saved
            return self.refused(error, values, **self.about())
        messages.success(request, f"The test function {changed.name} has been saved.")
        return redirect("console:test-function", self.project.public_id, changed.name)


class DeleteFunction(OneFunction):
    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        row = self.own()
        services.delete_test_function(function=row, actor=self.actor)
        messages.success(request, f"The test function {row.name} has been deleted.")
        return redirect("console:test-functions", self.project.public_id)


class CheckFunction(FunctionPage):
    """What is wrong with the source as it stands, without running it."""

    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        values = written(request.POST)
        try:
            function = services.check(content=values.content, dependencies=values.dependencies)
        except EmbassyError as error:
            context = {"problems": source_problems(error), "errors": errors_of(error)}
            return self.page("console/_function_problems.html", status=422, **context)
        return self.page("console/_function_problems.html", checked=function.name)


class DryRun(FunctionPage):
    """Scores a few rows in the sandbox while somebody waits, half a minute at most."""

    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        values = written(request.POST)
        try:
            rows = rows_of(request.POST)
            function = registry.built_in(request.POST.get("built_in", "")) or services.check(
                content=values.content, dependencies=values.dependencies
            )
            report = services.dry_run_test_function(function=function, rows=rows, actor=self.actor)
        except EmbassyError as error:
            context = {"problems": source_problems(error), "error": error}
            return self.page("console/_dry_run.html", status=422, **context)
        return self.page("console/_dry_run.html", report=report, scored=scored_rows(rows, report))


class DryRows(FunctionPage):
    """The first rows of a data set, or answers of a training job, to try the function on."""

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        source = request.GET.get("source", "").replace("\0", "")
        try:
            rows = dry_rows.rows_from(self.actor, self.project, source) if source else list(SAMPLE)
        except EmbassyError as error:
            return self.page("console/_dry_rows.html", status=422, error=error)
        return self.page("console/_dry_rows.html", rows=rows)
