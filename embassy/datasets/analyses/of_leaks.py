"""Rows of one dataset that ask what rows of another ask: 16 bytes of memory for each row of both."""

from typing import Any

import numpy as np

from embassy.datasets.analyses.digests import Digests, question
from embassy.datasets.models import Analysis, Dataset
from embassy.datasets.rows import iter_raw
from embassy.datasets.work import Watch
from embassy.platform.errors import NotFound

SHOWN = 200
_EACH = 200


def leaks(analysis: Analysis, watch: Watch) -> dict[str, Any]:
    """Raises NotFound if the other dataset is gone."""
    dataset = analysis.dataset
    other = Dataset.objects.filter(public_id=analysis.subject, project_id=dataset.project_id).first()
    if other is None:
        raise NotFound("The data set to compare with is gone.")
    ours, theirs = _questions(dataset, watch), _questions(other, watch)
    exact = _found(ours, theirs, "exact")
    near = _found(ours, theirs, "near")
    known = {line for line, _ in exact}
    near = [pair for pair in near if pair[0] not in known]
    return {
        "rows": len(ours.lines),
        "exact": {"count": len(exact), "lines": exact[:SHOWN]},
        "near": {"count": len(near), "lines": near[:SHOWN]},
    }


def _questions(dataset: Dataset, watch: Watch) -> Digests:
    digests = Digests.empty()
    for count, row in enumerate(iter_raw(dataset)):
        digests.add(row["line"], question(row))
        if count % _EACH == 0:
            watch.progress(done_rows=count)
    return digests


def _found(ours: Digests, theirs: Digests, which: str) -> list[list[int]]:
    """Our line and their first line, of each row of ours that is theirs too."""
    mine, other = (np.array(getattr(digests, which), dtype=np.uint64) for digests in (ours, theirs))
    values, first = np.unique(other, return_index=True)
    places = np.nonzero(np.isin(mine, values))[0]
    at = np.searchsorted(values, mine[places])
    return [
        [ours.lines[place], theirs.lines[int(first[index])]]
        for place, index in zip(places.tolist(), at.tolist(), strict=True)
    ]
