"""Carry analyses out. Those that need what datasets know nothing of come from above."""

from collections.abc import Callable, Mapping
from typing import Any

from embassy.datasets import work
from embassy.datasets.analyses.of_leaks import leaks
from embassy.datasets.analyses.of_rows import figures_of_rows
from embassy.datasets.models import Analysis, AnalysisKind
from embassy.datasets.states import WorkStatus
from embassy.datasets.work import Outcome, Watch

Measure = Callable[[Analysis, Watch], dict[str, Any]]

_OURS: Mapping[str, Measure] = {AnalysisKind.ROWS: figures_of_rows, AnalysisKind.LEAKS: leaks}


def run_analysis(analysis_pk: int, *, tokens: Measure) -> Analysis | None:
    """None if it is not to be done now."""
    measures = {**_OURS, AnalysisKind.TOKENS: tokens}

    def do(analysis: Analysis, watch: Watch) -> Outcome:
        result = measures[analysis.kind](analysis, watch)
        return Outcome(WorkStatus.DONE, {"result": result})

    return work.run(Analysis, analysis_pk, do)
