"""What can only be told of all rows together: F1 of the classes, correlations, errors in a unit.

A test function scores one row, so its mean over rows is all that it can say; these are the rest. They are
ours alone, computed by task type, and never rewards. scikit-learn is imported where it is used, because it
takes a second and the web process does without it.
"""
