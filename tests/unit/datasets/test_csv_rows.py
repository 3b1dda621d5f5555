"""CSV files: what is read, and what is said about what cannot be."""

import pytest

from tests.unit.datasets.checking import check, exchange, problem_of, problems_of, rows_of

HEADER = "input,expected_output\n"


def test_a_plain_file() -> None:
    rows = rows_of(HEADER + "1 + 1?,2\n2 + 2?,4\n")
    assert rows == [
        {"line": 2, "messages": exchange("1 + 1?", "2")},
        {"line": 3, "messages": exchange("2 + 2?", "4")},
    ]


def test_quotes_commas_and_line_breaks_inside_fields() -> None:
    rows = rows_of(HEADER + '"a, ""b""\nand c","x\r\ny"\nnext,row\n')
    assert rows[0]["messages"] == exchange('a, "b"\nand c', "x\r\ny")
    # The second record begins on the fifth line of the file.
    assert [row["line"] for row in rows] == [2, 5]


def test_byte_order_mark_crlf_and_no_end_of_line() -> None:
    rows = rows_of(b"\xef\xbb\xbfinput,expected_output\r\nq,a\r\nq2,a2")
    assert [row["messages"] for row in rows] == [exchange("q", "a"), exchange("q2", "a2")]


def test_columns_in_another_order_and_case_with_more_beside() -> None:
    checked, rows = check(b"id, Expected_Output ,INPUT\n7,a,q\n")
    assert rows == [{"line": 2, "messages": exchange("q", "a")}]
    assert checked.counts.as_dict()["ignored_fields"] == ["id"]


def test_blank_lines_are_skipped_and_counted_as_lines() -> None:
    rows = rows_of("\n" + HEADER + "\n  \nq,a\n\n")
    assert [row["line"] for row in rows] == [5]


def test_labels_stay_text() -> None:
    rows = rows_of(HEADER + 'q,"{""spam"": 1, ""ham"": 0}"\nq2,0.75\n')
    assert [row["messages"][1]["content"] for row in rows] == ['{"spam": 1, "ham": 0}', "0.75"]


def test_prompt_and_completion_are_other_names() -> None:
    assert rows_of("prompt,completion\nq,a\n") == [{"line": 2, "messages": exchange("q", "a")}]


def test_preferences_and_pairs() -> None:
    (row,) = rows_of("prompt,chosen,rejected\nq,good,bad\n")
    assert row == {
        "line": 2,
        "messages": [{"role": "user", "content": "q"}],
        "chosen": [{"role": "assistant", "content": "good"}],
        "rejected": [{"role": "assistant", "content": "bad"}],
    }
    assert rows_of("text1,text2,score\na,b,0.5\n") == [{"line": 2, "text1": "a", "text2": "b", "score": 0.5}]


@pytest.mark.parametrize(
    ("content", "code", "line", "field"),
    [
        ("question,answer\nq,a\n", "wrong_columns", 1, None),
        ("input\nq\n", "wrong_columns", 1, None),
        ("input,answer\nq,a\n", "wrong_columns", 1, None),
        ("just a text\nand another\n", "wrong_columns", 1, None),
        ("messages,id\nx,1\n", "wrong_columns", 1, None),
        ("input,expected_output,input\nq,a,q\n", "duplicate_column", 1, "input"),
        ("input;expected_output\nq;a\n", "wrong_delimiter", 1, None),
        ("input\texpected_output\nq\ta\n", "wrong_delimiter", 1, None),
        (HEADER, "no_rows", None, None),
        (HEADER + "\n\n", "no_rows", None, None),
        (HEADER + "q,a\nq,a,b\n", "wrong_field_count", 3, None),
        (HEADER + "q\n", "wrong_field_count", 2, None),
        (HEADER + "q,\n", "empty_field", 2, "expected_output"),
        (HEADER + " ,a\n", "empty_field", 2, "input"),
        (HEADER + 'q,"never closed\nq,a\n', "unclosed_quote", 2, None),
        (HEADER + 'q,"a"b\n', "wrong_quotes", 2, None),
        ("input,expected_output\rq,a\rq,b\r", "wrong_line_ends", 1, None),
        ("text1,text2,score\na,b,high\n", "not_a_number", 2, "score"),
        ("text1,text2,score\na,b,nan\n", "not_a_number", 2, "score"),
    ],
)
def test_what_is_wrong_is_told(content: str, code: str, line: int | None, field: str | None) -> None:
    problem = problem_of(content, "data.csv")
    assert (problem.code, problem.line, problem.field) == (code, line, field)
    assert problem.sentence.endswith((".", "?"))


def test_the_column_is_told() -> None:
    problem = problem_of(HEADER + '"two\nlines",ok\nq,\n')
    assert problem.sentence == (
        "Line 4, column 2 (expected_output): it is empty. Give it a text, or remove the row."
    )


def test_a_quote_that_is_never_closed_is_not_read_to_the_end_of_a_big_file() -> None:
    content = HEADER + 'q,"open\n' + "x,y\n" * 1_000_000
    assert problem_of(content).code == "field_too_long"


def test_all_rows_with_problems_are_counted() -> None:
    checked, rows = check((HEADER + "q,\n" * 250 + "q,a\n").encode())
    assert (checked.report.count, len(checked.report.problems), len(rows)) == (250, 100, 1)
    assert "There are 250 problems in all; the first 100 are listed." in checked.report.sentence


def test_more_than_one_problem_in_a_file() -> None:
    problems = problems_of(HEADER + "q,\nq,a,b\n ,a\n")
    assert [(p.line, p.code) for p in problems] == [
        (2, "empty_field"),
        (3, "wrong_field_count"),
        (4, "empty_field"),
    ]
