"""All training jobs of a project: found, sorted, and chosen to be compared."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict

from embassy.console import selectors as console
from embassy.console.views.page import ProjectPage
from embassy.platform.words import named_like
from embassy.training import selectors
from embassy.training.models import TrainingJob
from embassy.training.states import UNFINISHED, JobStatus, Technique

PER_PAGE = 25
LONGEST_QUESTION = 120
SORTS = {
    "new": ("Newest first", (F("id").desc(),)),
    "old": ("Oldest first", (F("id").asc(),)),
    "name": ("By name", (F("name").asc(), F("id").desc())),
    "high": ("Highest score first", (F("best_score").desc(nulls_last=True), F("id").desc())),
    "low": ("Lowest score first", (F("best_score").asc(nulls_last=True), F("id").desc())),
}


BY_SCORE = ("high", "low")


@dataclass(frozen=True)
class Wanted:
    """What the visitor looks for; empty: anything."""

    q: str
    status: str
    technique: str
    base_model: str
    sort: str

    @classmethod
    def of(cls, query: QueryDict) -> Self:
        """What nobody knows counts as not asked for."""
        status, technique, sort = (query.get(name, "") for name in ("status", "technique", "sort"))
        return cls(
            q=query.get("q", "").strip()[:LONGEST_QUESTION],
            status=status if status in JobStatus.values else "",
            technique=technique if technique in Technique.values else "",
            base_model=query.get("base_model", "")[:200],
            sort=sort if sort in SORTS else "new",
        )

    @property
    def is_anything(self) -> bool:
        return not (self.q or self.status or self.technique or self.base_model)

    def among(self, jobs: "QuerySet[TrainingJob, TrainingJob]") -> "QuerySet[TrainingJob, TrainingJob]":
        exact = {name: getattr(self, name) for name in ("status", "technique", "base_model")}
        jobs = jobs.filter(**{name: value for name, value in exact.items() if value})
        if self.q:
            jobs = named_like(jobs, self.q)
        order = SORTS[self.sort][1]
        return (console.by_best_score(jobs) if self.sort in BY_SCORE else jobs).order_by(*order)

    def query(self) -> str:
        """For the addresses of the other pages."""
        given = {
            name: value for name, value in vars(self).items() if value and (name, value) != ("sort", "new")
        }
        return urlencode(given)


class JobList(ProjectPage):
    scope = "training"
    tab = "jobs"

    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        wanted = Wanted.of(request.GET)
        mine = selectors.jobs_of(self.actor, self.project)
        found = wanted.among(mine).values_list("pk", flat=True)
        page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
        jobs = rows_of(mine, list(page))
        return self.page(
            "console/jobs.html",
            jobs=jobs,
            page=page,
            wanted=wanted,
            moving=any(job.status in UNFINISHED for job in jobs),
            sorts=[(key, title) for key, (title, _) in SORTS.items()],
            statuses=JobStatus.values,
            techniques=Technique.values,
            base_models=mine.order_by("base_model").values_list("base_model", flat=True).distinct(),
        )


def rows_of(jobs: "QuerySet[TrainingJob, TrainingJob]", pks: list[int]) -> list[TrainingJob]:
    """Those with these keys, in their order: only what is shown is read whole."""
    found = {job.pk: job for job in console.with_best_score(jobs.filter(pk__in=pks))}
    return [found[pk] for pk in pks if pk in found]
