"""Two texts → what they share, what only the first says, and what only the second says."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

MOST_WORDS = 600  # longer texts are not compared word by word: it takes time by the square
WORD = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Part:
    """`kind` is same, missing (expected, not answered) or added (answered, not expected)."""

    kind: str
    text: str


def difference(expected: str, answer: str) -> list[Part]:
    """Empty where they are alike, or too long."""
    if expected.strip() == answer.strip():
        return []
    before, after = WORD.findall(expected), WORD.findall(answer)
    if max(len(before), len(after)) > MOST_WORDS:
        return []
    return [part for part in _parts(before, after) if part.text]


def _parts(before: list[str], after: list[str]) -> Iterator[Part]:
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            yield Part("same", "".join(before[a:b]))
        else:
            yield Part("missing", "".join(before[a:b]))
            yield Part("added", "".join(after[c:d]))
