"""How long a dataset's rows are in a base model's tokens: counted once, of evenly spaced rows."""

from collections import Counter
from typing import Any

from embassy.datasets.analyses import services as analyses
from embassy.datasets.analyses.lengths import distribution
from embassy.datasets.models import Analysis, AnalysisKind, Dataset
from embassy.datasets.rows import iter_raw
from embassy.datasets.work import Watch
from embassy.platform.errors import InvalidInput
from embassy.training.examples.errors import Unusable
from embassy.training.examples.summary import REASONS
from embassy.training.preflight.counting import spaced
from embassy.training.row_views.reader import READINGS, make_reader
from embassy.training.row_views.tokens import examples_of

MOST_ROWS = 20_000
SHOWN = 100
_EACH = 200


def begin(*, dataset: Dataset, base_model: str) -> Analysis:
    """Ask for the lengths. Raises what makes them impossible, as far as that can be told at once."""
    reader = make_reader(base_model, READINGS[dataset.kind][0])
    return analyses.begin(dataset=dataset, kind=AnalysisKind.TOKENS, subject=reader.model.name)


def token_lengths(analysis: Analysis, watch: Watch) -> dict[str, Any]:
    """Lengths before the cut at the model's usual `max_length`, and what that cut costs.

    Raises InvalidInput, Unavailable or NotFound where the model cannot read such rows.
    """
    dataset = analysis.dataset
    reader = make_reader(analysis.subject, READINGS[dataset.kind][0])
    lengths: list[int] = []
    lines: list[int] = []
    learned, cut, problems = 0, 0, Counter[str]()
    rows = spaced(iter_raw(dataset), dataset.row_count, MOST_ROWS)
    try:
        for count, example in enumerate(examples_of(reader, rows)):
            lengths.append(example.full_length)
            learned += example.learned
            cut += example.truncated
            if example.problem:
                problems[REASONS[example.problem]] += 1
                lines += [example.line] if len(lines) < SHOWN else []
            if count % _EACH == 0:
                watch.progress(done_rows=count)
    except Unusable as error:
        raise InvalidInput(error.sentence) from None
    return {
        "read": len(lengths),
        "max_length": reader.max_length,
        "tokens": distribution(lengths),
        "learned": learned,
        "cut": cut,
        "problems": dict(problems.most_common()),
        "problem_lines": lines,
    }
