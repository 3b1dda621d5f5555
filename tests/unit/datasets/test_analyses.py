"""What is found out about rows, by pure functions."""

import orjson
import pytest

from embassy.datasets.analyses.digests import near_digest_of, question
from embassy.datasets.analyses.labels import MOST_LABELS, Labels
from embassy.datasets.analyses.lengths import BARS, distribution
from embassy.datasets.analyses.of_rows import OFFSETS_EVERY, RowFigures


def line(number: int, asked: str, answer: str) -> bytes:
    messages = [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
    return orjson.dumps({"line": number, "messages": messages}) + b"\n"


def figures(*rows: tuple[str, str]) -> dict[str, object]:
    found = RowFigures()
    for number, (asked, answer) in enumerate(rows, start=1):
        found.add(line(number, asked, answer))
    return found.result()


def test_duplicates_by_their_lines() -> None:
    found = figures(("a b", "1"), ("a b", "1"), ("A, b!", "1"), ("c", "1"), ("a b", "1"))
    assert found["duplicates"] == {"count": 2, "lines": [[2, 1], [5, 1]]}
    assert found["near_duplicates"] == {"count": 1, "lines": [[3, 1]]}


def test_contradictions_are_no_duplicates() -> None:
    found = figures(("a", "yes"), ("a", "no"), ("b", "yes"), ("a", "yes"))
    assert found["contradictions"] == {"count": 1, "lines": [[2, 1]]}
    assert found["duplicates"] == {"count": 1, "lines": [[4, 1]]}


def test_offsets_are_where_rows_begin() -> None:
    found, whole = RowFigures(), b""
    for number in range(OFFSETS_EVERY * 2 + 1):
        whole += (one := line(number, f"question {number}", "x"))
        found.add(one)
    offsets = found.result()["offsets"]
    starts = [orjson.loads(whole[offset:].partition(b"\n")[0])["line"] for offset in offsets]
    assert starts == [0, OFFSETS_EVERY, 2 * OFFSETS_EVERY]


def test_no_rows_at_all() -> None:
    found = RowFigures().result()
    assert found["labels"] is None
    assert found["duplicates"] == {"count": 0, "lines": []}


@pytest.mark.parametrize(
    ("one", "other"), [("Hello, World!", "hello world"), ("ﬁne", "fine"), ("a\n b", "a b"), ("a_b", "a b")]
)
def test_texts_of_the_same_words(one: str, other: str) -> None:
    assert near_digest_of({"content": one}) == near_digest_of({"content": other})
    assert near_digest_of({"content": one}) != near_digest_of({"content": other + "s"})


def test_the_question_of_each_kind() -> None:
    user, assistant = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}
    assert question({"messages": [user, assistant, user, assistant]}) == [user, assistant, user]
    assert question({"messages": [user], "chosen": [assistant], "rejected": []}) == [user]
    assert question({"text1": "a", "text2": "b", "score": 1}) == ["a", "b"]


def test_answers_are_labels_only_where_they_are_few() -> None:
    few, many, long = Labels(), Labels(), Labels()
    for number in range(MOST_LABELS * 2):
        few.add(" yes" if number % 3 else "no")
        many.add(str(number))
    long.add("x" * 101)
    assert few.result(400) == [["yes", 266], ["no", 134]]
    assert many.result(400) is None
    assert long.result(1) is None


def test_a_distribution_adds_up() -> None:
    lengths = [1] * 50 + list(range(1, 200)) + [100_000]
    found = distribution(lengths)
    assert sum(found["bars"]) + found["longer"] == found["rows"] == len(lengths)
    assert (found["min"], found["max"], len(found["bars"])) == (1, 100_000, BARS)
    assert found["longer"] >= 1


def test_a_distribution_of_equal_lengths() -> None:
    found = distribution([7] * 3)
    assert (sum(found["bars"]), found["p50"], found["mean"]) == (3, 7, 7.0)
    assert distribution([])["bars"] == []
