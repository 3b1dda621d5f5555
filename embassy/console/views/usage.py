"""What a deployment was used for lately, and how fast it answered."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from embassy.console.views.deployments import DeploymentPage
from embassy.inference.reports.figures import figures
from embassy.inference.reports.report import Question, report

DAY = timedelta(days=1)


class DeploymentUsage(DeploymentPage):
    """A card of the deployment's page, asked for again and again."""

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        now = timezone.now()
        question = Question(now - DAY, now, deployment_pk=self.deployment.pk)
        usage = figures(report(self.actor, question).total)
        return self.page("console/_usage.html", deployment=self.deployment, usage=usage)
