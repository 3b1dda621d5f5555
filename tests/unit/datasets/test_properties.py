"""Whatever comes, the check answers: rows that can be read back, or problems. It never fails."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.datasets.checking import check, exchange, jsonl, rows_of

# What both formats can hold: no surrogates, no NUL; and not blank, or there is nothing to learn.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(str.strip)
exchanges = st.lists(st.tuples(texts, texts), min_size=1, max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
names = st.sampled_from(
    ["messages", "prompt", "completion", "input", "expected_output", "chosen", "rejected", "preferred_output",
     "non_preferred_output", "text1", "text2", "score", "role", "content", "tools", "tool_calls"]
)  # fmt: skip
objects = st.dictionaries(names, values | st.lists(st.dictionaries(names, values, max_size=3), max_size=3))


@given(exchanges)
def test_csv_is_read_as_it_was_written(pairs: list[tuple[str, str]]) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerows([("input", "expected_output"), *pairs])
    rows = rows_of(file.getvalue(), "data.csv")
    assert [row["messages"] for row in rows] == [exchange(*pair) for pair in pairs]


@given(exchanges)
def test_json_lines_are_read_as_they_were_written(pairs: list[tuple[str, str]]) -> None:
    rows = rows_of(jsonl(*({"prompt": question, "completion": answer} for question, answer in pairs)))
    assert [row["messages"] for row in rows] == [exchange(*pair) for pair in pairs]


@given(st.binary(max_size=300), st.sampled_from(["a.csv", "a.jsonl", "a"]))
def test_any_bytes_get_an_answer(content: bytes, file_name: str) -> None:
    checked, rows = check(content, file_name)
    assert rows or checked.report.count


@given(st.text(st.sampled_from('input,expected_output\r\n"; q'), max_size=200))
def test_anything_like_csv_gets_an_answer(text: str) -> None:
    checked, rows = check(f"input,expected_output\n{text}".encode(), "a.csv")
    assert rows or checked.report.count
    assert all(problem.line for problem in checked.report.problems if problem.code != "no_rows")


@given(st.lists(objects, min_size=1, max_size=4))
def test_any_objects_get_an_answer(rows: list[dict[str, object]]) -> None:
    try:
        content = jsonl(*rows)
    except TypeError:  # surrogates, or numbers beyond 64 bits: not to be written in the first place
        return
    checked, good = check(content, "a.jsonl")
    assert len(good) + checked.report.count == len(rows)
    assert all(problem.sentence for problem in checked.report.problems)
