"""Which rows are held out for testing, and which are left out: the same for the same seed. Pure."""

import hashlib
from collections import Counter
from collections.abc import Sequence


def held_out(questions: Sequence[bytes], *, percent: float, seed: int) -> set[int]:
    """Indices of about `percent` of the rows. Rows with equal questions stay on one side.

    At least one row goes to each side as long as there are two different questions; else the set is empty.
    """
    sizes = Counter(questions)
    if len(sizes) < 2:
        return set()
    wanted = max(1, round(len(questions) * percent / 100))
    chosen: set[bytes] = set()
    taken = 0
    for question in sorted(sizes, key=lambda question: _rank(question, seed))[:-1]:
        if taken >= wanted:
            break
        if not chosen or taken + sizes[question] <= wanted:
            chosen.add(question)
            taken += sizes[question]
    return {index for index, question in enumerate(questions) if question in chosen}


def sampled(count: int, *, size: int, seed: int) -> set[int]:
    """`size` of the indices below `count`, drawn at random; all of them if there are no more than that."""
    if size >= count:
        return set(range(count))
    ranked = sorted(range(count), key=lambda index: _rank(str(index).encode(), seed))
    return set(ranked[:size])


def _rank(item: bytes, seed: int) -> bytes:
    return hashlib.sha256(b"%d:" % seed + item).digest()
