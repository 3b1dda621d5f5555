"""Which way a metric should go, and where it stands beside others."""

_SHOULD_FALL = frozenset(
    {"mae", "rmse", "median_error", "hamming_loss", "unreadable", "unknown_label", "empty"}
)
_NEITHER = frozenset(
    {"bias", "mean_length", "mean_expected_length", "distinct_answers", "preference_accuracy_before"}
)
# What says most comes first. A JSON column forgets the order in which they were reckoned.
_ORDER = (
    *("reward", "preference_accuracy", "preference_accuracy_before", "preference_margin"),
    *("accuracy", "similarity", "f1_macro", "f1_micro", "f1_weighted", "precision_macro", "recall_macro"),
    *("hamming_loss", "unknown_label", "mae", "rmse", "median_error", "bias", "r2", "pearson", "spearman"),
    *("unreadable", "empty", "mean_length", "mean_expected_length", "distinct_answers"),
)


def higher_is_better(metric: str) -> bool | None:
    """None where neither more nor less is better."""
    return None if metric in _NEITHER else metric not in _SHOULD_FALL


def place(metric: str) -> tuple[int, str]:
    """To sort metrics by."""
    return (_ORDER.index(metric) if metric in _ORDER else len(_ORDER), metric)
