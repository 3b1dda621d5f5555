"""The form that deploys a checkpoint or a base model, in a dialog or as a page of its own."""

from collections.abc import Mapping

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict

from embassy.catalog.selectors import list_base_models
from embassy.console import deploy_form
from embassy.console.views.page import ProjectPage, check_scope
from embassy.deployments import fitting, services
from embassy.deployments.models.deployment import LOG_DAYS
from embassy.deployments.source import Source, resolve
from embassy.engines.command import MAX_ADAPTERS
from embassy.platform.errors import EmbassyError
from embassy.training.models import Checkpoint


class Deploy(ProjectPage):
    scope = "deployments"
    tab = "deployments"

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        check_scope(self.actor, self.scope, "POST")
        if not request.GET.get("reference"):
            return self._choice()
        source = self._source(request.GET)
        return self._form(source, deploy_form.usual(source))

    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        source = self._source(request.POST)
        engines = {engine.public_id: engine for engine in fitting.engines_for(self.actor, source)}
        try:
            deployment = services.create_deployment(
                project=self.project,
                request=deploy_form.request_of(request.POST),
                actor=self.actor,
                engine=deploy_form.engine_asked_for(request.POST, engines),
            )
        except EmbassyError as error:
            errors = deploy_form.errors_of(error, asked_engine=bool(request.POST.get("engine")))
            return self._form(source, request.POST, errors, status=422)
        return self.go("console:deployment", self.project.public_id, deployment.public_id)

    def _choice(self) -> HttpResponse:
        """Of the base models: whatever was trained is deployed from its job."""
        part = "console/_deploy_choice.html"
        return self.page(
            part if self.is_partial else "console/deploy.html",
            part=part,
            is_partial=self.is_partial,
            base_models=list_base_models(),
        )

    def _source(self, data: QueryDict) -> Source:
        """Whether its parity check may fail is asked in the form."""
        reference, checkpoint = deploy_form.reference_of(data)
        return resolve(
            project=self.project, reference=reference, checkpoint=checkpoint, actor=self.actor, force=True
        )

    def _form(
        self, source: Source, data: QueryDict, errors: Mapping[str, str] | None = None, *, status: int = 200
    ) -> HttpResponse:
        return self.page(
            "console/_deploy_form.html" if self.is_partial else "console/deploy.html",
            status=status,
            part="console/_deploy_form.html",
            is_partial=self.is_partial,
            source=source,
            reference=source.job.public_id if source.job else source.base_model,
            data=data,
            errors=errors or {},
            form_error=(errors or {}).get(""),
            checkpoint=_checkpoint(source),
            parity_failed=source.forced,
            engines=fitting.engines_for(self.actor, source).order_by("name"),
            days=deploy_form.days_of(data),
            zones=deploy_form.zones(),
            usual_minutes=settings.INACTIVE_TIMEOUT_SECONDS // 60,
            usual_log_days=LOG_DAYS,
            most_models=MAX_ADAPTERS,
        )


def _checkpoint(source: Source) -> Checkpoint | None:
    if source.job is None:
        return None
    return source.job.checkpoints.filter(number=source.checkpoint).first()
