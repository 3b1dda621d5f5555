"""Is this file a dataset? Pure and streaming: a file in, canonical rows and a report out.

check = Check(stream, "train.csv")
for row in check.rows():   # encoded canonical rows
    ...
check.report               # what is wrong, with line numbers
"""

from embassy.datasets.validation.check import Check
from embassy.datasets.validation.counts import Counts
from embassy.datasets.validation.file_type import HEAD_BYTES
from embassy.datasets.validation.report import Problem, Report

__all__ = ["HEAD_BYTES", "Check", "Counts", "Problem", "Report"]
