"""How the checkpoints of a job did in its tests."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from embassy.platform.query import query_of
from embassy.training import tested_rows
from embassy.training.api import JobView
from embassy.training.models import TrainingJob
from embassy.training.result_serializers import (
    CompareQuerySerializer,
    MetricTableSerializer,
    ResultComparisonSerializer,
    ResultsQuerySerializer,
    RowsQuerySerializer,
    TestedRowsSerializer,
    TestResultSerializer,
)
from embassy.training.score_table import Column, Figure, Line, table_of
from embassy.training.serializers import links_of
from embassy.training.tested_rows import Measure, Pair


class TestResultList(JobView):
    @extend_schema(
        operation_id="listTrainingJobResults",
        parameters=[ResultsQuerySerializer],
        responses=TestResultSerializer(many=True),
    )
    def get(self, request: Request, project_id: str, training_job_id: str) -> Response:
        query = query_of(request, ResultsQuerySerializer)
        job = self.job(request, project_id, training_job_id)
        table = table_of(job)
        measure = measure_of(job, query.get("by"))
        shown = [
            shown_result(job, line, table.functions, measure, query) for line in table.lines if line.result
        ]
        return Response(TestResultSerializer(shown, many=True).data)


class TestedRowList(JobView):
    @extend_schema(
        operation_id="listTestedRows", parameters=[RowsQuerySerializer], responses=TestedRowsSerializer
    )
    def get(self, request: Request, project_id: str, training_job_id: str, number: int) -> Response:
        query = query_of(request, RowsQuerySerializer)
        job = self.job(request, project_id, training_job_id)
        measure = measure_of(job, query.pop("by", None))
        page = tested_rows.rows_of(tested_rows.get_result(job, number), measure, **query)
        return Response(TestedRowsSerializer(page).data)


class MetricTable(JobView):
    @extend_schema(operation_id="retrieveMetricTable", responses=MetricTableSerializer)
    def get(self, request: Request, project_id: str, training_job_id: str) -> Response:
        table = table_of(self.job(request, project_id, training_job_id))
        lines = [shown_line(line, table.functions, table.metrics) for line in table.lines]
        shown = {"functions": table.functions, "metrics": table.metrics, "checkpoints": lines}
        return Response(MetricTableSerializer(shown).data)


class Comparison(JobView):
    """Which rows two checkpoints of a job answered differently well."""

    @extend_schema(
        operation_id="compareCheckpoints",
        parameters=[CompareQuerySerializer],
        responses=ResultComparisonSerializer,
    )
    def get(self, request: Request, project_id: str, training_job_id: str) -> Response:
        query = query_of(request, CompareQuerySerializer)
        job = self.job(request, project_id, training_job_id)
        a, b = (tested_rows.get_result(job, query.pop(name)) for name in ("a", "b"))
        measure = tested_rows.measure_of(job, query.pop("by", None))
        found = tested_rows.compare(a, b, measure, **query)
        shown = {
            "a": a.number,
            "b": b.number,
            "by": measure.name,
            "better": found.better,
            "worse": found.worse,
            "same": found.same,
            "total": found.total,
            "offset": found.offset,
            "rows": [shown_pair(pair, measure) for pair in found.rows],
        }
        return Response(ResultComparisonSerializer(shown).data)


def measure_of(job: TrainingJob, by: str | None) -> Measure | None:
    """None for a job without test functions, unless one is asked for."""
    return tested_rows.measure_of(job, by) if by or job.test_functions else None


def shown_result(
    job: TrainingJob,
    line: Line,
    functions: tuple[Column, ...],
    measure: Measure | None,
    query: dict[str, Any],
) -> dict[str, Any]:
    result = line.result
    assert result is not None  # the caller leaves the others out
    links = links_of(job, result)
    sample = tested_rows.rows_of(result, measure, order=query["order"], limit=query["rows"])
    return {
        "checkpoint": result.number,
        "best": line.is_best,
        "stored": not line.is_removed,
        "rows": result.rows,
        "scores": links["aggregated_test_result"],
        "improvement": improvement(line.scores, functions),
        "failures": result.failures,
        "metrics": result.metrics,
        "general_test_result": links["general_test_result"],
        "sample": sample.rows,
    }


def improvement(scores: tuple[Figure, ...], functions: tuple[Column, ...]) -> dict[str, float]:
    return {
        column.name: figure.change if column.higher_is_better else -figure.change
        for column, figure in zip(functions, scores, strict=True)
        if figure.change is not None
    }


def shown_line(line: Line, functions: tuple[Column, ...], metrics: tuple[Column, ...]) -> dict[str, Any]:
    return {
        "checkpoint": line.number,
        "best": line.is_best,
        "stored": not line.is_removed,
        "tested": line.result is not None,
        "scores": by_name(functions, line.scores),
        "metrics": by_name(metrics, line.metrics),
    }


def by_name(columns: tuple[Column, ...], figures: tuple[Figure, ...]) -> dict[str, Figure]:
    # What has not been tested has no figures.
    return {column.name: figure for column, figure in zip(columns, figures, strict=False)}


def shown_pair(pair: Pair, measure: Measure) -> dict[str, Any]:
    return {
        "line": pair.before["line"],
        "input_text": pair.before["input_text"],
        "expected_output": pair.before["expected_output"],
        "a": shown_answer(pair.before, measure),
        "b": shown_answer(pair.after, measure),
        "gain": pair.gain,
        "verdict": pair.verdict,
    }


def shown_answer(row: dict[str, Any], measure: Measure) -> dict[str, Any]:
    return {"predicted_output": row["predicted_output"], "score": measure.score(row)}
