"""How many rows of each label a classifier is trained on. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence

from embassy.platform.errors import InvalidInput
from embassy.training import split

TOLERANCE = 1e-6
MOST_ROWS = 1_000_000

# Of a binary dataset the two labels may be called so, whatever they are.
POSITIVE, NEGATIVE = "positive", "negative"
_YES = frozenset({"1", "1.0", "true", "yes", "y", "pos", POSITIVE})
_NO = frozenset({"0", "0.0", "-1", "false", "no", "n", "neg", NEGATIVE})


def checked(wanted: Mapping[str, float], labels: Sequence[str], *, multi_label: bool) -> dict[str, float]:
    """Shares or numbers of rows by label. Raises InvalidInput unless they are one or the other."""
    if multi_label:
        raise _wrong("rows with several labels cannot be rebalanced: each belongs to many.")
    if not wanted:
        raise _wrong("name the labels, each with its share or number of rows.")
    named = _with_real_names(wanted, labels)
    if unknown := [name for name in named if name not in labels]:
        raise _wrong(f"the dataset has no label {unknown[0]!r}. It has: {', '.join(labels[:20])}.")
    if low := [name for name, value in named.items() if not value > 0]:
        raise _wrong(f"the value of {low[0]!r} must be above 0.")
    if are_shares(named):
        missing = [name for name in labels if name not in named]
        if missing:
            raise _wrong(f"shares are wanted of every label. Give one to {', '.join(missing)} too.")
    elif any(value != value // 1 for value in named.values()):
        raise _wrong("give shares that sum to 1, or whole numbers of rows.")
    elif sum(named.values()) > MOST_ROWS:
        raise _wrong(f"these are more than {MOST_ROWS} rows.")
    return named


def are_shares(wanted: Mapping[str, float]) -> bool:
    return abs(sum(wanted.values()) - 1) <= TOLERANCE


def resampled(labels: Sequence[str], wanted: Mapping[str, float], *, seed: int) -> Counter[int]:
    """How often each row is taken, by its index; rows of labels that are not named are taken once.

    Shares keep the number of rows; a label of which there are too few has all its rows repeated alike.
    Raises InvalidInput for a label without any row.
    """
    rows_of: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        rows_of.setdefault(label, []).append(index)
    if absent := [label for label in wanted if label not in rows_of]:
        raise _wrong(f"no row is left to train on with the label {absent[0]!r}.")
    sizes = _sizes(wanted, len(labels))
    taken: Counter[int] = Counter()
    for label, rows in rows_of.items():
        whole, rest = divmod(sizes.get(label, len(rows)), len(rows))
        extra = split.sampled(len(rows), size=rest, seed=seed)
        taken.update({row: whole + (place in extra) for place, row in enumerate(rows)})
    return taken


def _sizes(wanted: Mapping[str, float], total: int) -> dict[str, int]:
    """Numbers of rows by label; of shares, the largest remainders get the rows that rounding leaves."""
    if not are_shares(wanted):
        return {label: int(value) for label, value in wanted.items()}
    sizes = {label: int(share * total) for label, share in wanted.items()}
    by_remainder = sorted(wanted, key=lambda label: (sizes[label] - wanted[label] * total, label))
    for label in by_remainder[: total - sum(sizes.values())]:
        sizes[label] += 1
    return sizes


def _with_real_names(wanted: Mapping[str, float], labels: Sequence[str]) -> dict[str, float]:
    """With `positive` and `negative` replaced by the two labels that they stand for."""
    names = set(wanted)
    if not names <= {POSITIVE, NEGATIVE} or names <= set(labels):
        return dict(wanted)
    yes = [label for label in labels if label.lower() in _YES]
    no = [label for label in labels if label.lower() in _NO]
    if len(labels) != 2 or len(yes) != 1 or len(no) != 1:
        raise _wrong(f"which of {', '.join(labels[:20])} is positive cannot be told. Name the labels.")
    real = {POSITIVE: yes[0], NEGATIVE: no[0]}
    return {real[name]: value for name, value in wanted.items()}


def _wrong(sentence: str) -> InvalidInput:
    return InvalidInput(f"rebalance_data: {sentence}", code="invalid_rebalance_data")
