"""The test functions that everybody has. Users read their source, and copy it to write their own.

So each function stands alone, imports what it needs itself, and takes and gives plain values: the text of
the last user message, what was expected, what the model said; 1.0 is best, 0.0 is worst, apart from the few
that measure errors (`higher_is_better`). What can only be told of all rows together, such as a correlation,
is in embassy/evaluation/metrics.
"""
