"""Metrics of labels, one or several to a row."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from embassy.evaluation.functions import Row
from embassy.evaluation.metrics.report import Confusion, Report
from embassy.evaluation.metrics.rounding import rounded

# In the confusion matrix an answer that is none of the expected labels stands in this column.
OTHER = "(other)"
MOST_CONFUSION_LABELS = 100

Labels = frozenset[str]


def report(rows: Sequence[Row]) -> Report:
    """Accuracy and F1, for the whole and for each label. With several labels, a row is right if all are.

    An answer that is no known label counts as wrong. Rows whose expected text is not readable are left out.
    """
    if not rows:
        return Report(rows=0, values={})
    several = [_several(row.expected_output) for row in rows]
    if all(labels is None for labels in several):
        return _single(rows)
    kept = [(row, labels) for row, labels in zip(rows, several, strict=True) if labels is not None]
    left_out = len(rows) - len(kept)
    predicted = [_several(row.predicted_output) or frozenset() for row, _ in kept]
    return _multiple([labels for _, labels in kept], predicted, left_out)


def _single(rows: Sequence[Row]) -> Report:
    expected = [row.expected_output.strip() for row in rows]
    known = sorted(set(expected))
    answers = (row.predicted_output.strip() for row in rows)
    predicted = [answer if answer in set(known) else OTHER for answer in answers]
    values, per_label = _f1(expected, predicted, known)
    confusion = None
    if len(known) <= MOST_CONFUSION_LABELS:
        columns = (*known, OTHER) if OTHER in predicted else tuple(known)
        confusion = _confusion(expected, predicted, columns)
    right = sum(a == b for a, b in zip(expected, predicted, strict=True))
    values = {"accuracy": right / len(rows), **values, "unknown_label": predicted.count(OTHER) / len(rows)}
    return Report(rows=len(rows), values=rounded(values), confusion=confusion, per_label=per_label)


def _confusion(expected: Sequence[str], predicted: Sequence[str], labels: tuple[str, ...]) -> Confusion:
    counts = Counter(zip(expected, predicted, strict=True))
    return Confusion(labels, tuple(tuple(counts[row, column] for column in labels) for row in labels))


def _multiple(expected: Sequence[Labels], predicted: Sequence[Labels], left_out: int) -> Report:
    from sklearn.preprocessing import MultiLabelBinarizer

    known = sorted({label for labels in (*expected, *predicted) for label in labels})
    binarizer = MultiLabelBinarizer(classes=known)
    wanted, given = binarizer.fit_transform(expected), binarizer.transform(predicted)
    values, per_label = _f1(wanted, given, list(range(len(known))), names=known)
    right = sum(a == b for a, b in zip(expected, predicted, strict=True))
    wrong = sum(len(a ^ b) for a, b in zip(expected, predicted, strict=True))
    values = {
        "accuracy": right / len(expected),
        **values,
        "hamming_loss": wrong / (len(expected) * max(1, len(known))),
    }
    reasons = {"no_labels": left_out} if left_out else {}
    return Report(rows=len(expected), values=rounded(values), left_out=reasons, per_label=per_label)


def _f1(
    expected: Any, predicted: Any, labels: Sequence[Any], names: Sequence[str] | None = None
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Averages over the labels, and the figures of each. A label that is never named has F1 0."""
    from sklearn.metrics import precision_recall_fscore_support

    def figures(average: str | None) -> Any:
        return precision_recall_fscore_support(
            expected, predicted, labels=list(labels), average=average, zero_division=0
        )

    values: dict[str, float] = {}
    for average in ("macro", "micro", "weighted"):
        precision, recall, f1, _ = figures(average)
        values[f"f1_{average}"] = float(f1)
        if average == "macro":
            values |= {"precision_macro": float(precision), "recall_macro": float(recall)}
    per_label = {
        name: {**rounded({"precision": p, "recall": r, "f1": f}), "rows": int(n)}
        for name, p, r, f, n in zip(names or labels, *figures(None), strict=True)
    }
    return values, per_label


def _several(text: str) -> Labels | None:
    """The labels of a JSON list, or those of a JSON object that hold; None if the text is neither."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, dict):
        value = [label for label, holds in value.items() if holds]
    return frozenset(map(str, value)) if isinstance(value, list) else None
