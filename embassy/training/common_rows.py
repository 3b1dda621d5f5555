"""The test rows that several jobs have in common, and what each answered. Read as streams, not all kept."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from embassy.platform.storage import get_storage
from embassy.training.models import TestResult

MOST_ROWS = 5000  # of each job; who has more compares their beginning


@dataclass(frozen=True)
class Answer:
    text: str
    scores: Mapping[str, float | None]


@dataclass(frozen=True)
class CommonRow:
    """One question as all of them answered it, in the order in which they were given."""

    line: int
    input_text: str
    expected: str
    answers: tuple[Answer, ...]

    @property
    def differs(self) -> bool:
        return len({answer.text.strip() for answer in self.answers}) > 1

    def has(self, words: str) -> bool:
        texts = (self.input_text, self.expected, *(answer.text for answer in self.answers))
        return any(words in text.lower() for text in texts)


@dataclass(frozen=True)
class Common:
    """`read` counts the rows of each result that were looked at."""

    rows: tuple[CommonRow, ...]
    read: tuple[int, ...]


def common_rows(results: Sequence[TestResult]) -> Common:
    """Rows are the same if what is asked and expected is: jobs may have split one data set differently.

    Lines are those of the first result.
    """
    first, *others = results
    known = [{_key(row): _answer(row) for row in _rows(other)} for other in others]
    found, count = [], 0
    for row in _rows(first):
        count += 1
        key = _key(row)
        if all(key in answers for answers in known):
            answers = (_answer(row), *(answers[key] for answers in known))
            found.append(CommonRow(row["line"], str(row["input_text"]), str(row["expected_output"]), answers))
    return Common(tuple(found), (count, *(len(answers) for answers in known)))


def _rows(result: TestResult) -> Iterator[dict[str, Any]]:
    with get_storage().open(result.rows_key) as lines:
        yield from (orjson.loads(line) for line in islice(lines, MOST_ROWS))


def _key(row: Mapping[str, Any]) -> bytes:
    text = f"{row['input_text']}\0{row['expected_output']}"
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()


def _answer(row: Mapping[str, Any]) -> Answer:
    return Answer(str(row["predicted_output"]), row.get("scores") or {})
