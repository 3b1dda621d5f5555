from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from embassy.console.presenters.rows import LONGEST, shown_row
from embassy.console.templatetags.console import (
    ago,
    badge,
    duration,
    metric_title,
    parity,
    short_name,
    signed,
)


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


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.25, "+0.250"), (-0.5, "-0.500"), (0.0, "±0"), (-1234.5678, "-1235"), (12.3456, "+12.35")],
)
def test_changes(value: float, text: str) -> None:
    assert signed(value) == text


def test_names() -> None:
    assert short_name("exact_match_shared") == "exact_match"
    assert short_name("my_own") == "my_own"
    assert metric_title("rmse") == "Root mean square error"
    assert metric_title("some_metric") == "Some metric"


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (None, ""),
        ({"status": "passed"}, "bg-green-lt"),
        ({"status": "failed", "reason": "<It> differs."}, "&lt;It&gt; differs."),
        ({"status": "unchecked"}, "parity not checked"),
        ({}, ""),
    ],
)
def test_parity(record: dict[str, str] | None, words: str) -> None:
    shown = parity(SimpleNamespace(parity=record))
    assert words in shown
    assert bool(shown) is bool(words)
