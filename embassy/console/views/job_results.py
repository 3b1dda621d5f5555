"""How a job went: its curves, its test rows, and two checkpoints side by side."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse

from embassy.console import selectors as console
from embassy.console.presenters.confusion import figures_of, matrix_of
from embassy.console.presenters.curves import curves_of
from embassy.console.presenters.tested_rows import compared_rows, tested_rows
from embassy.console.views.jobs import JobPage
from embassy.platform.storage import get_storage
from embassy.training import selectors
from embassy.training import tested_rows as reads
from embassy.training.models import TestResult, TrainingJob
from embassy.training.models.checkpoint import BASE
from embassy.training.states import UNFINISHED
from embassy.training.tested_rows import Change, Measure, Order, Page

PER_PAGE = 25
MOST_PAGES = 10_000
LONGEST_QUESTION = 200
SHOWN = (("all", "every row"), ("wrong", "not as expected"), ("failed", "without a score"))
CHANGES = (
    (Change.CHANGED, "what changed"),
    (Change.BETTER, "what got better"),
    (Change.WORSE, "what got worse"),
    (Change.ALL, "every row"),
)


class JobCurves(JobPage):
    def get(self, request: HttpRequest, **ids: str) -> JsonResponse:
        is_finished = self.job.status not in UNFINISHED  # first: nothing comes after the last status
        return JsonResponse(curves_of(console.course_of(self.job)) | {"is_finished": is_finished})


class JobRows(JobPage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        result = reads.get_result(self.job, int(self.kwargs["number"]))
        measure = measure_of(self.job, request.GET.get("by"))
        order = one_of(Order, request.GET.get("order"), Order.WORST) if measure else Order.LINE
        number = page_number(request)
        words = request.GET.get("q", "").strip()[:LONGEST_QUESTION]
        show = request.GET.get("show", "")
        show = show if show in dict(SHOWN) and (measure or show != "failed") else SHOWN[0][0]
        page = reads.rows_of(
            result,
            measure,
            order=order,
            offset=(number - 1) * PER_PAGE,
            limit=PER_PAGE,
            only_failed=show == "failed" and not words,
            keep=_keep(words.lower(), show, measure),
        )
        by = measure.name if measure else ""
        return self.page(
            "console/_rows.html",
            job=self.job,
            number=result.number,
            rows=tested_rows(page.rows, self._base_answers(result, page), measure),
            total=page.total,
            pages=pages_of(number, page.total),
            order=order.value,
            by=by,
            q=words,
            show=show,
            shown=SHOWN if result.failures.get(by) else SHOWN[:2],
            is_filtered=bool(words or show != SHOWN[0][0]),
            turn=urlencode({"by": by, "order": order.value, "show": show, "q": words}),
            matrix=matrix_of(result.metrics),
            figures=figures_of(result.metrics),
            download=_results_url(self.job, result),
        )

    def _base_answers(self, result: TestResult, page: Page[Any]) -> dict[int, str]:
        base = self.job.test_results.filter(number=BASE).first()
        if base is None or result.number == BASE:
            return {}
        return reads.answers_to(base, {row["line"] for row in page.rows})


class CompareCheckpoints(JobPage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        numbers = list(selectors.results_of(self.job).values_list("number", flat=True))
        a, b = (self._result(request, name, numbers) for name in ("a", "b"))
        measure = reads.measure_of(self.job, request.GET.get("by") or None)
        show = one_of(Change, request.GET.get("show"), Change.CHANGED)
        number = page_number(request)
        found = reads.compare(a, b, measure, show=show, offset=(number - 1) * PER_PAGE, limit=PER_PAGE)
        return self.page(
            "console/_compare.html",
            job=self.job,
            numbers=numbers,
            a=a.number,
            b=b.number,
            a_text=str(a.number),
            b_text=str(b.number),
            by=measure.name,
            show=show.value,
            changes=CHANGES,
            found=found,
            rows=compared_rows(found.rows, measure),
            pages=pages_of(number, found.total),
        )

    def _result(self, request: HttpRequest, name: str, numbers: list[int]) -> TestResult:
        """The one asked for, else the base model, and the best checkpoint or the last."""
        asked = request.GET.get(name, "")
        if asked.isdecimal():
            return reads.get_result(self.job, int(asked))
        if name == "a":
            return reads.get_result(self.job, BASE)
        best = self.job.checkpoints.filter(best=True).values_list("number", flat=True).first()
        return reads.get_result(self.job, best or max(numbers, default=BASE))


def _keep(words: str, show: str, measure: Measure | None) -> Callable[[Mapping[str, Any]], bool] | None:
    """What a row must be like to be shown; None: nothing that the order of rows does not know itself."""
    if not words and show != "wrong":
        return None

    def keep(row: Mapping[str, Any]) -> bool:
        expected, answer = str(row["expected_output"]), str(row["predicted_output"])
        if show == "wrong" and expected.strip() == answer.strip():
            return False
        if show == "failed" and measure is not None and measure.score(row) is not None:
            return False
        return not words or any(words in text.lower() for text in (str(row["input_text"]), expected, answer))

    return keep


def measure_of(job: TrainingJob, by: str | None) -> Measure | None:
    return reads.measure_of(job, by or None) if by or job.test_functions else None


def one_of(choices: Any, asked: str | None, usual: Any) -> Any:
    return choices(asked) if asked in tuple(choices) else usual


def page_number(request: HttpRequest) -> int:
    asked = request.GET.get("page", "")
    return min(max(1, int(asked)), MOST_PAGES) if asked.isdecimal() else 1


def pages_of(number: int, total: int) -> dict[str, int | None]:
    """Of which page, of how many, and those next to it."""
    count = max(1, -(-total // PER_PAGE))
    return {
        "number": number,
        "count": count,
        "before": number - 1 if number > 1 else None,
        "after": number + 1 if number < count else None,
    }


def _results_url(job: TrainingJob, result: TestResult) -> str:
    filename = f"{job.name}-checkpoint-{result.number}-results.jsonl"
    return get_storage().presigned_get(result.rows_key, filename=filename)
