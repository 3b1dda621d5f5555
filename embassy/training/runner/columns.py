"""Data sets for the training libraries, made without a Python object for each token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from datasets import Dataset


def token_lists(**columns: Sequence[npt.NDArray[np.int32]]) -> Dataset:
    """A data set whose columns hold a list of tokens in each row."""
    return Dataset(pa.table({name: _lists(values) for name, values in columns.items()}))


def _lists(values: Sequence[npt.NDArray[np.int32]]) -> Any:
    offsets = np.cumsum([0, *map(len, values)], dtype=np.int64)
    return pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(values)))
