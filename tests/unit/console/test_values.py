from datetime import timedelta

import pytest
from django.utils import timezone

from embassy.console.presenters.rows import LONGEST, shown_row
from embassy.console.presenters.tested_rows import tested_rows as in_order
from embassy.console.templatetags.console import ago, badge, duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0, "0 s"),
        (4.4, "4 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (3900, "1 h 5 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_times_past() -> None:
    assert ago(None) == "–"
    assert ago(timezone.now()) == "just now"
    assert ago(timezone.now() - timedelta(hours=2, minutes=5)) == "2 h ago"


def test_a_badge_escapes() -> None:
    assert "<b>" not in badge("<b>")


def test_rows_of_every_kind() -> None:
    prompt = shown_row({"line": 3, "messages": [{"role": "user", "content": "x" * 1000}]})
    assert (prompt.line, prompt.cells[0].role, len(prompt.cells[0].text)) == (3, "user", LONGEST)
    pair = shown_row({"line": 1, "text1": "a", "text2": "b", "score": 0.5})
    assert [(cell.role, cell.text) for cell in pair.cells] == [
        ("text1", "a"),
        ("text2", "b"),
        ("score", "0.5"),
    ]


def test_the_worst_rows_come_first_and_those_without_a_score_before_them() -> None:
    rows = [
        {
            "line": line,
            "input_text": "q",
            "expected_output": "a",
            "predicted_output": "b",
            "scores": {"f": score},
        }
        for line, score in ((1, 1.0), (2, None), (3, 0.2))
    ]
    shown = in_order(rows, [rows[0]], best_first=False, count=10)
    assert [(row.line, row.mark) for row in shown] == [(2, ""), (3, "bad"), (1, "good")]
    assert [row.base_answer for row in shown] == [None, None, "b"]
    assert [row.line for row in in_order(rows, [], best_first=True, count=1)] == [1]
