"""Two to four jobs of a project over each other: curves, scores, parameters, rows, matrices."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse

from embassy.console.presenters.confusion import heat_of
from embassy.console.presenters.job_comparison import Candidate, candidate_of, fact_rows, score_rows
from embassy.console.views.job_results import page_number, pages_of
from embassy.console.views.page import ProjectPage
from embassy.platform.errors import InvalidInput, NotFound
from embassy.training import selectors
from embassy.training.common_rows import MOST_ROWS, CommonRow, common_rows
from embassy.training.models import TrainingJob
from embassy.training.score_table import table_of

FEWEST, MOST = 2, 4
PER_PAGE = 25
SHOWN = (("different", "answers that differ"), ("worse", "where any is wrong"), ("all", "every row"))


class ComparisonPage(ProjectPage):
    """One that is about the jobs named in the query, in that order."""

    scope = "training"
    tab = "jobs"

    def jobs(self) -> list[TrainingJob]:
        """Raises InvalidInput for too few or too many, NotFound for what is not there."""
        asked = list(dict.fromkeys(self.request.GET.getlist("job")))
        if not FEWEST <= len(asked) <= MOST:
            raise InvalidInput(f"Choose {FEWEST} to {MOST} training jobs in the list, then compare them.")
        mine = selectors.jobs_of(self.actor, self.project).filter(public_id__in=asked)
        found = {job.public_id: job for job in mine.prefetch_related("checkpoints", "test_results")}
        if missing := next((public_id for public_id in asked if public_id not in found), None):
            raise NotFound(f"This project has no training job {missing}.")
        return [found[public_id] for public_id in asked]

    def candidates(self) -> list[Candidate]:
        return [candidate_of(job, table_of(job)) for job in self.jobs()]

    def query(self) -> str:
        return urlencode([("job", public_id) for public_id in self.request.GET.getlist("job")])


class CompareJobs(ComparisonPage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        candidates = self.candidates()
        return self.page(
            "console/job_comparison.html",
            candidates=candidates,
            scores=score_rows(candidates),
            facts=fact_rows(candidates),
            comparable=sum(candidate.result is not None for candidate in candidates) >= FEWEST,
            matrices=_matrices(candidates),
            query=self.query(),
        )


class CompareJobRows(ComparisonPage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        tested = [candidate for candidate in self.candidates() if candidate.result is not None]
        if len(tested) < FEWEST:
            raise InvalidInput(
                "Fewer than two of these jobs have been tested, so there are no rows to compare."
            )
        common = common_rows([candidate.result for candidate in tested if candidate.result is not None])
        words = request.GET.get("q", "").strip().lower()
        asked = request.GET.get("show", "")
        show = asked if asked in dict(SHOWN) else SHOWN[0][0]
        found = [row for row in common.rows if _is_shown(row, show) and (not words or row.has(words))]
        number = page_number(request)
        return self.page(
            "console/_job_rows_compared.html",
            tested=tested,
            rows=found[(number - 1) * PER_PAGE : number * PER_PAGE],
            pages=pages_of(number, len(found)),
            total=len(found),
            common=len(common.rows),
            is_cut=max(common.read) >= MOST_ROWS,
            most=MOST_ROWS,
            show=show,
            shown=SHOWN,
            q=request.GET.get("q", ""),
            query=self.query(),
            turn=urlencode({"show": show, "q": request.GET.get("q", "")}),
        )


def _is_shown(row: CommonRow, show: str) -> bool:
    if show == "different":
        return row.differs
    return show == "all" or any(answer.text.strip() != row.expected.strip() for answer in row.answers)


def _matrices(candidates: Sequence[Candidate]) -> list[dict[str, Any]]:
    """Of those whose answers are labels; what a chart needs of each."""
    return [
        {"title": candidate.job.name, "number": candidate.number, **heat}
        for candidate in candidates
        if candidate.result is not None and (heat := heat_of(candidate.result.metrics))
    ]
