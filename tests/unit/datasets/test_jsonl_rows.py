"""JSON lines: what is read, and what is said about what cannot be."""

import pytest

from tests.unit.datasets.checking import check, exchange, jsonl, problem_of, problems_of, rows_of

USER = {"role": "user", "content": "q"}
ANSWER = {"role": "assistant", "content": "a"}


def test_prompt_and_completion() -> None:
    assert rows_of(jsonl({"prompt": "q", "completion": "a"})) == [{"line": 1, "messages": exchange("q", "a")}]


def test_prompt_and_completion_as_messages() -> None:
    (row,) = rows_of(jsonl({"prompt": [{"role": "system", "content": "s"}, USER], "completion": [ANSWER]}))
    assert [message["role"] for message in row["messages"]] == ["system", "user", "assistant"]


def test_conversations() -> None:
    messages = [{"role": "system", "content": "s"}, USER, ANSWER, USER, {**ANSWER, "weight": 0}]
    assert rows_of(jsonl({"messages": messages})) == [{"line": 1, "messages": messages}]


def test_tool_calls_are_passed_on() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}
    messages = [USER, {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "c1", "content": ""}, ANSWER]  # fmt: skip
    tools = [{"type": "function", "function": {"name": "f"}}]
    (row,) = rows_of(jsonl({"messages": messages, "tools": tools}))
    assert row["messages"][1] == {"role": "assistant", "content": "", "tool_calls": [call]}
    assert row["messages"][2] == messages[2]
    assert row["tools"] == tools


def test_labels_become_text() -> None:
    rows = rows_of(
        jsonl(
            {"input": "q", "expected_output": {"spam": 1, "ham": 0}},
            {"input": "q", "expected_output": 0.5},
            {"input": "q", "expected_output": 3},
        )
    )
    assert [row["messages"][1]["content"] for row in rows] == ['{"spam":1,"ham":0}', "0.5", "3"]


def test_preferences() -> None:
    expected = {"messages": [USER], "chosen": [ANSWER], "rejected": [{**ANSWER, "content": "b"}]}
    ours = {"prompt": "q", "chosen": "a", "rejected": "b"}
    openai = {
        "input": {"messages": [USER], "tools": []},
        "preferred_output": [ANSWER],
        "non_preferred_output": [{**ANSWER, "content": "b"}],
    }
    rows = rows_of(jsonl(ours, openai))
    assert rows == [{"line": 1, **expected}, {"line": 2, **expected, "tools": []}]


def test_pairs() -> None:
    rows = rows_of(
        jsonl({"text1": "a", "text2": "b", "score": 1}, {"text1": "a", "text2": "c", "score": "0.5"})
    )
    assert [row["score"] for row in rows] == [1.0, 0.5]


def test_blank_lines_byte_order_mark_and_crlf() -> None:
    content = b'\xef\xbb\xbf\r\n{"prompt": "q", "completion": "a"}\r\n\r\n{"prompt": "r", "completion": "b"}'
    assert [row["line"] for row in rows_of(content)] == [2, 4]


def test_every_character_survives() -> None:
    text = 'ü 漢字 🙂 \u2028 \x85 "quoted" \\ \t \n end'
    (row,) = rows_of(jsonl({"prompt": text, "completion": text}))
    assert [message["content"] for message in row["messages"]] == [text, text]


def test_counts() -> None:
    row = {"prompt": "four", "completion": "two", "id": 1}
    checked, _ = check(
        jsonl(row, row, {"messages": exchange("four", "two")}, {"prompt": "12345", "completion": "1"})
    )
    assert checked.counts.as_dict() == {
        "rows": 4,
        "characters": 27,
        "longest_row": 7,
        "duplicates": 2,  # the third says the same in another form
        "shapes": {"prompt_completion": 3, "messages": 1},
        "ignored_fields": ["id"],
    }


GOOD = '{"prompt": "q", "completion": "a"}\n'


@pytest.mark.parametrize(
    ("line", "code", "field"),
    [
        ('{"prompt": "q", "completion": }', "invalid_json", None),
        ('{"prompt": "q", "completion": NaN}', "invalid_json", None),
        ('{"prompt": "\\ud800", "completion": "a"}', "invalid_json", None),
        ("{'prompt': 'q'}", "invalid_json", None),
        ('{"prompt": "q",', "invalid_json", None),
        ('"a string"', "not_an_object", None),
        ("[1, 2]", "not_an_object", None),
        ("null", "not_an_object", None),
        ('{"prompt": "q", "prompt": "r", "completion": "a"}', "duplicate_key", "prompt"),
        ('{"messages": [{"role": "user", "role": "user", "content": "q"}]}', "duplicate_key", "role"),
        ("{}", "unknown_fields", None),
        ('{"question": "q", "answer": "a"}', "unknown_fields", None),
        ('{"completion": "a"}', "missing_field", "prompt"),
        ('{"prompt": null, "completion": "a"}', "missing_field", "prompt"),
        ('{"prompt": "q"}', "missing_field", "completion"),
        ('{"prompt": 5, "completion": "a"}', "wrong_type", "prompt"),
        ('{"prompt": "q", "completion": true}', "wrong_type", "completion"),
        ('{"prompt": " \\n", "completion": "a"}', "empty_field", "prompt"),
        ('{"prompt": "q", "completion": ""}', "empty_field", "completion"),
        ('{"prompt": [], "completion": "a"}', "empty_field", "prompt"),
        (
            '{"prompt": "q", "completion": [{"role": "user", "content": "a"}]}',
            "no_assistant_turn",
            "completion",
        ),
        ('{"prompt": "q", "completion": "a", "tools": "f"}', "wrong_type", "tools"),
        ('{"messages": "q"}', "wrong_type", "messages"),
        ('{"messages": []}', "empty_field", "messages"),
        ('{"messages": ["q"]}', "wrong_type", "messages[0]"),
        ('{"messages": [{"role": "user", "content": "q"}]}', "no_assistant_turn", "messages"),
        ('{"messages": [{"role": "assistant", "content": "a"}]}', "missing_prompt", "messages"),
        ('{"messages": [{"role": "bot", "content": "q"}]}', "unknown_role", "messages[0].role"),
        ('{"messages": [{"role": ["user"], "content": "q"}]}', "unknown_role", "messages[0].role"),
        ('{"messages": [{"content": "q"}]}', "missing_field", "messages[0].role"),
        ('{"messages": [{"role": "user"}]}', "missing_field", "messages[0].content"),
        (
            '{"messages": [{"role": "user", "content": [{"type": "text"}]}]}',
            "wrong_type",
            "messages[0].content",
        ),
        ('{"messages": [{"role": "user", "content": ""}]}', "empty_field", "messages[0].content"),
        ('{"messages": [{"role": "assistant", "tool_calls": "f"}]}', "wrong_type", "messages[0].tool_calls"),
        ('{"prompt": "q", "chosen": "a"}', "missing_field", "rejected"),
        ('{"prompt": "q", "chosen": "a", "rejected": "a"}', "equal_answers", "rejected"),
        ('{"input": "q", "preferred_output": [], "non_preferred_output": []}', "wrong_type", "input"),
        ('{"text1": "a", "text2": "b"}', "missing_field", "score"),
        ('{"text1": "a", "text2": "b", "score": true}', "wrong_type", "score"),
    ],
)
def test_what_is_wrong_is_told(line: str, code: str, field: str | None) -> None:
    problem = problem_of(GOOD + "\n" + line + "\n" + GOOD)
    assert (problem.code, problem.line, problem.field) == (code, 3, field)
    assert problem.sentence.startswith("Line 3")


def test_the_place_in_broken_json_is_told() -> None:
    problem = problem_of(GOOD + '{"prompt": "q", "completion": oops}\n')
    assert (problem.line, problem.column) == (2, 31)
    assert "oops" in (problem.seen or "")


def test_rows_of_another_kind_are_refused() -> None:
    problem = problem_of(GOOD + '{"text1": "a", "text2": "b", "score": 1}\n' + GOOD)
    assert (problem.code, problem.line) == ("mixed_kinds", 2)


def test_too_deep_nesting_is_refused() -> None:
    for depth in (300, 1000, 5000):
        nested = "[" * depth + "]" * depth
        calls = f'[{{"x": {nested}}}]'
        asked, called = '{"role": "user", "content": "q"}', f'{{"role": "assistant", "tool_calls": {calls}}}'
        line = f'{{"messages": [{asked}, {called}]}}'
        assert problem_of(GOOD + line).code in ("too_deep", "invalid_json")


def test_a_long_value_is_shown_shortened() -> None:
    problem = problem_of(jsonl({"messages": [{"role": "x" * 10_000, "content": "q"}]}))
    assert len(problem.seen or "") < 100
    assert len(problem.sentence) < 300


def test_each_broken_line_is_told() -> None:
    problems = problems_of("{\n" + GOOD + "}\n", "data.jsonl")
    assert [(p.code, p.line) for p in problems] == [("invalid_json", 1), ("invalid_json", 3)]
