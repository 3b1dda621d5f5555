"""Failures that the runner can name: a stable code and a sentence that says what to do."""

from __future__ import annotations

import errno

from embassy.training.examples.errors import Unusable
from embassy.training.spec import EndCode


class RunnerError(Exception):
    """The run cannot go on, for a reason that is known and explained."""

    def __init__(self, code: EndCode, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


_OUT_OF_MEMORY = RunnerError(
    EndCode.OUT_OF_MEMORY,
    "The run ran out of memory. Use a smaller batch size or max_length, or load the base model in 4 bits.",
)
_DISK_FULL = RunnerError(
    EndCode.DISK_FULL, "The disk of the run folder is full. Free space on the training host and retry."
)
_UNKNOWN = RunnerError(
    EndCode.INTERNAL_ERROR, "Training failed for an unexpected reason. The run's log holds the traceback."
)


def explain(error: BaseException) -> RunnerError:
    """The named failure behind `error`."""
    if isinstance(error, RunnerError):
        return error
    if isinstance(error, Unusable):
        return RunnerError(error.code, error.sentence)
    if _is_out_of_memory(error):
        return _OUT_OF_MEMORY
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _DISK_FULL
    return _UNKNOWN


# torch.OutOfMemoryError is CUDA's, and says the first; the CPU allocator, cuBLAS, cuDNN and C++ say the rest
# in a plain RuntimeError.
_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "_ALLOC_FAILED", "bad_alloc")


def _is_out_of_memory(error: BaseException | None) -> bool:
    """Whether that was the reason, also where a library made another error of it."""
    while error is not None:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
            return True
        if isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_MEMORY):
            return True
        error = error.__cause__ or error.__context__
    return False
