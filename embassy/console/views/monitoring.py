"""How a deployment does: charts over an hour up to a month, asked for again and again."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from embassy.console.presenters.course import course_of
from embassy.console.views.deployments import DeploymentPage
from embassy.inference.reports.course import PERIODS, course
from embassy.platform.errors import InvalidInput

TITLES = {"1h": "1 hour", "24h": "24 hours", "7d": "7 days", "30d": "30 days"}


class Monitoring(DeploymentPage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        return self.deployment_page(
            "console/deployment_monitoring.html", "monitoring", periods=TITLES, period=_period(request)
        )


class Course(DeploymentPage):
    """The lines as JSON."""

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        period = PERIODS[_period(request)]
        moments = course(deployment_pk=self.deployment.pk, period=period, now=timezone.now())
        return JsonResponse(course_of(moments))


def _period(request: HttpRequest) -> str:
    period = request.GET.get("period", "1h")
    if period not in PERIODS:
        raise InvalidInput(f"period: one of {', '.join(PERIODS)}.")
    return period
