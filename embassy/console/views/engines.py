"""Engines of the organization: what they serve, why they wait, and what can be done with them."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect

from embassy.catalog.selectors import list_base_models
from embassy.console.field_errors import Errors, errors_of, invalid_form
from embassy.console.presenters.engines import engine_rows, engines_shown_to, shared_models
from embassy.console.rule_form import (
    choices,
    management_of,
    rules_of_engine,
    shown_rules,
    typed_rules,
)
from embassy.console.views.page import Page
from embassy.deployments import services
from embassy.deployments.changes import change_engine
from embassy.deployments.host_reports import host_reports
from embassy.engines import selectors as engine_selectors
from embassy.engines import services as engines
from embassy.engines.models import Engine
from embassy.platform.errors import EmbassyError, Forbidden

PER_PAGE = 25
RUNS = 10
SHOWN_BY_FORM = (400, 409, 422)
IDLE_MINUTES = 15
FIELDS = {"name": "name", "base_model": "base_model"}  # of the form, by the name in a sentence


class EnginePage(Page):
    """Engines belong to the organization: whoever sees only some projects may not manage them."""

    scope = "engines"
    section = "engines"

    @property
    def can_manage(self) -> bool:
        return self.actor.may("engines:write") and self.actor.projects is None

    def enter(self) -> None:
        if self.request.method == "POST" and not self.can_manage:
            raise Forbidden("Engines belong to the organization. Ask an owner or admin to change them.")


class EngineList(EnginePage):
    def get(self, request: HttpRequest) -> HttpResponse:
        return self.shown({}, shown_rules(IDLE_MINUTES * 60, None), {})

    def post(self, request: HttpRequest) -> HttpResponse:
        data = request.POST
        try:
            engine = self._created(data)
        except EmbassyError as error:
            if error.status not in SHOWN_BY_FORM:
                raise
            return self.shown(data.dict(), typed_rules(data), _errors(error), status=422)
        messages.success(request, f"{engine.name} has been made. It starts as soon as a host has room.")
        return redirect("console:engine", engine.public_id)

    def _created(self, data: QueryDict) -> Engine:
        base_model = data.get("base_model")
        if not base_model:
            raise invalid_form({"base_model": "Choose a base model."})
        return services.create_engine(
            base_model=base_model,
            name=data.get("name"),
            task_type=data.get("task_type") or None,
            resource_management=management_of(data),
            actor=self.actor,
        )

    def shown(
        self, typed: Mapping[str, Any], rules: Mapping[str, Any], errors: Errors, status: int = 200
    ) -> HttpResponse:
        page = Paginator(engines_shown_to(self.actor), PER_PAGE).get_page(self.request.GET.get("page"))
        models = list_base_models()
        return self.page(
            "console/engines.html",
            status=status,
            engines=page,
            rows=engine_rows(self.actor, page),
            hosts=host_reports(self.actor),
            shared=shared_models(),
            base_models=models,
            tasks=list(dict.fromkeys(task for model in models for task in model.task_types)),
            can_manage=self.can_manage,
            typed=typed,
            rules=rules,
            errors=errors,
            error=errors.get(""),
            **choices(),
        )


class OneEngine(EnginePage):
    """One that is about a single engine of the organization's own."""

    engine: Engine

    def enter(self) -> None:
        self.engine = engine_selectors.get_engine(self.actor, self.kwargs["engine_id"])
        super().enter()

    def back(self) -> HttpResponse:
        return redirect("console:engine", self.engine.public_id)

    def engine_page(self, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        [row] = engine_rows(self.actor, [self.engine])
        shared = {"row": row, "engine": self.engine, "can_manage": self.can_manage}
        return self.page(template, status=status, **(shared | context))


class EngineDetail(OneEngine):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        rules = shown_rules(*rules_of_engine(self.engine.resource_management))
        return self.shown(self.engine.name, rules, {})

    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        """Another name, or other rules."""
        data = request.POST
        try:
            name = data.get("name", "").strip()
            if not name:
                raise invalid_form({"name": "Give it a name."})
            change_engine(
                engine=self.engine, name=name, resource_management=management_of(data), actor=self.actor
            )
        except EmbassyError as error:
            if error.status not in SHOWN_BY_FORM:
                raise
            self.engine.refresh_from_db()
            return self.shown(data.get("name", ""), typed_rules(data), _errors(error), status=422)
        messages.success(request, "Saved.")
        return self.back()

    def shown(self, name: str, rules: Mapping[str, Any], errors: Errors, status: int = 200) -> HttpResponse:
        return self.engine_page(
            "console/engine.html",
            status=status,
            runs=self.engine.runs.order_by("-id")[:RUNS],
            adapters=self.engine.adapters.filter(wanted=True).order_by("id")[:PER_PAGE],
            name=name,
            rules=rules,
            errors=errors,
            error=errors.get(""),
            **choices(),
        )


class EngineLive(OneEngine):
    """The state alone, asked for again and again."""

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        return self.engine_page("console/_engine_live.html")


class WakeEngine(OneEngine):
    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        engines.activate(engine=self.engine, actor=self.actor)
        return self.back()


class SleepEngine(OneEngine):
    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        engines.deactivate(engine=self.engine, actor=self.actor)
        return self.back()


class DeleteEngine(OneEngine):
    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        services.delete_engine(engine=self.engine, actor=self.actor)
        messages.success(request, f"The engine {self.engine.name} has been deleted.")
        return redirect("console:engines")


def _errors(error: EmbassyError) -> Errors:
    return {"name": error.message} if error.code == "name_taken" else errors_of(error, FIELDS.get)
