"""Data sets for the training libraries, made without a Python object for each token."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from datasets import Dataset, load_from_disk

from embassy.training.runner.group import wait_for_all
from embassy.training.runner.run import Run


def token_lists(**columns: Sequence[npt.NDArray[np.int32]]) -> Dataset:
    """A data set whose columns hold a list of tokens in each row."""
    return Dataset(pa.table({name: _lists(values) for name, values in columns.items()}))


def shared(run: Run, name: str, data: Dataset) -> Dataset:
    """The same, of a file that all processes read: TRL keeps beside it what they find out together."""
    if not run.ranks.several:
        return data
    folder = Path(run.spec.run_dir) / f".rows-{run.spec.attempt}" / name
    if run.ranks.first:
        data.save_to_disk(str(folder))
    wait_for_all()
    return load_from_disk(str(folder))


def _lists(values: Sequence[npt.NDArray[np.int32]]) -> Any:
    offsets = np.cumsum([0, *map(len, values)], dtype=np.int64)
    return pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(values)))
