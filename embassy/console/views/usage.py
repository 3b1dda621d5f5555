"""What was used: by the organization, by a project, and lately by a deployment."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone

from embassy.console.usage.export import export
from embassy.console.usage.figures import NAMES, Figures, has_prices
from embassy.console.usage.names import Name, names_of
from embassy.console.usage.period import RANGES, USUAL, Period, read_period
from embassy.console.usage.tally import DIMENSIONS, TRAINED, Scope, by_dimension, by_time, total_of
from embassy.console.views.deployments import DeploymentPage
from embassy.console.views.page import Page, ProjectPage
from embassy.inference.reports.figures import figures
from embassy.inference.reports.report import Question, report
from embassy.platform.errors import InvalidInput

DAY = timedelta(days=1)
PER_PAGE = 25
ORDERS = (*NAMES, "tokens", "cost")


class UsagePage(Page):
    """Filters stand in the address, so that a page can be sent to somebody or kept."""

    scope = "usage"
    section = "usage"

    @property
    def whose(self) -> Scope:
        return Scope(self.actor)

    @property
    def dimensions(self) -> dict[str, str]:
        return DIMENSIONS

    @property
    def dimension(self) -> str:
        asked = self.request.GET.get("by", "")
        return asked if asked in self.dimensions else next(iter(self.dimensions))

    def period(self) -> Period:
        return read_period(self.request.GET, timezone.now())


class Usage(UsagePage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        try:
            return self.show(self.period(), range_name=request.GET.get("range", USUAL))
        except InvalidInput as error:
            usual = read_period(type(request.GET)(""), timezone.now())
            return self.show(usual, range_name="custom", error=error, status=400)

    def show(self, period: Period, *, range_name: str, status: int = 200, **context: Any) -> HttpResponse:
        lines = by_dimension(self.whose, self.dimension, period.since, period.until)
        times = by_time(self.whose, period)
        order = self.request.GET.get("sort", "requests")
        order = order if order in ORDERS else "requests"
        rows = Paginator(_ordered(lines, order), PER_PAGE).get_page(self.request.GET.get("page"))
        named = names_of(self.actor, self.dimension, [group for group, _ in rows])
        return self.page(
            "console/usage.html",
            status=status,
            period=period,
            range_name=range_name if range_name in RANGES else USUAL,
            ranges=RANGES,
            dimension=self.dimension,
            dimensions=self.dimensions,
            rows=rows,
            lines=[Line(named[group], used) for group, used in rows],
            total=total_of(times),
            order=order,
            chart=_chart(times),
            trained=self.dimension in TRAINED,
            currency=settings.CURRENCY if has_prices() else "",
            query=self.request.GET,
            **context,
        )


class ExportUsage(UsagePage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponseBase:
        period = self.period()
        name = f"usage-{period.since:%Y-%m-%d}-{period.last:%Y-%m-%d}-{self.dimension}.csv"
        parts = export(self.whose, self.dimension, period)
        answer = StreamingHttpResponse(parts, content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer


class OfProject(ProjectPage, UsagePage):
    tab = "usage"
    scope = "usage"
    section = "projects"

    @property
    def whose(self) -> Scope:
        return Scope(self.actor, self.project.pk)

    @property
    def dimensions(self) -> dict[str, str]:
        return {name: title for name, title in DIMENSIONS.items() if name != "project"}


class ProjectUsage(OfProject, Usage):
    pass


class ExportProjectUsage(OfProject, ExportUsage):
    pass


class DeploymentUsage(DeploymentPage):
    """A card of the deployment's page, asked for again and again."""

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        now = timezone.now()
        question = Question(now - DAY, now, deployment_pk=self.deployment.pk)
        usage = figures(report(self.actor, question).total)
        return self.page("console/_usage.html", deployment=self.deployment, usage=usage)


@dataclass(frozen=True)
class Line:
    name: Name
    used: Figures


def _ordered(lines: dict[Hashable, Figures], order: str) -> list[tuple[Hashable, Figures]]:
    return sorted(lines.items(), key=lambda line: (-(getattr(line[1], order) or 0), str(line[0])))


def _chart(times: dict[Any, Figures]) -> dict[str, list[float]]:
    """Columns for the script; times in UNIX seconds, engine and training time in hours."""
    values = list(times.values())
    return {
        "times": [int(time.timestamp()) for time in times],
        "requests": [used.requests for used in values],
        "errors": [used.errors for used in values],
        "prompt_tokens": [used.prompt_tokens for used in values],
        "completion_tokens": [used.completion_tokens for used in values],
        "engine_hours": [round(used.engine_seconds / 3600, 3) for used in values],
        "training_hours": [round(used.training_seconds / 3600, 3) for used in values],
    }
