"""A job's events and metrics → what its page shows."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_django import Settings

from embassy.console.presenters.confusion import figures_of, matrix_of
from embassy.console.presenters.curves import MOST_POINTS, Event, charts_of, curves_of, thinned
from embassy.console.presenters.difference import difference
from embassy.console.presenters.parity import probes_of
from embassy.console.presenters.preflight import facts_of, problems_of
from embassy.console.presenters.tested_rows import compared_rows
from embassy.console.presenters.tested_rows import tested_rows as shown_rows
from embassy.training.tested_rows import Measure, Pair

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
EXACT, ERROR = Measure("exact", True), Measure("error", False)


def row(line: int, score: float | None, name: str = "exact") -> dict[str, Any]:
    return {
        "line": line,
        "input_text": "q",
        "expected_output": "a",
        "predicted_output": f"answer {line}",
        "scores": {name: score},
        "reasons": {} if score is not None else {name: "ValueError: no"},
    }


def test_rows_are_marked_by_the_function_that_orders_them() -> None:
    shown = shown_rows([row(1, 1.0), row(2, None), row(3, 0.2), row(4, 0.7)], {3: "b"}, EXACT)

    assert [row.mark for row in shown] == ["good", "bad", "bad", ""]
    assert [row.base_answer for row in shown] == [None, None, "b", None]
    assert shown[1].scores == (("exact", None, "ValueError: no"),)
    assert shown_rows([row(1, 1.0)], {}, None)[0].mark == ""


def test_nobody_knows_which_error_is_large() -> None:
    shown = shown_rows([row(1, 0.0, "error"), row(2, 5.0, "error"), row(3, None, "error")], {}, ERROR)

    assert [row.mark for row in shown] == ["good", "", "bad"]


def test_compared_rows() -> None:
    pairs = [Pair(row(1, 0.0), row(1, 1.0), 1.0), Pair(row(2, 1.0), row(2, None), -1.0)]

    better, worse = compared_rows(pairs, EXACT)

    assert (better.mark, better.before_score, better.after_score) == ("good", 0.0, 1.0)
    assert (worse.mark, worse.after_score) == ("bad", None)


def test_matrix() -> None:
    confusion = {"labels": ["a", "b", "(other)"], "counts": [[9, 1, 0], [0, 0, 2], [0, 0, 0]]}

    found = matrix_of({"confusion": confusion})

    assert found is not None
    assert [line.label for line in found.rows] == ["a", "b"]  # nobody expects what is no label
    assert [(cell.shade, cell.is_right) for cell in found.rows[0].cells] == [
        (9, True),
        (1, False),
        (0, False),
    ]


def test_matrix_that_nobody_could_read() -> None:
    names = [str(number) for number in range(26)]
    counts = [[int(one == other) for other in names] for one in names]

    assert matrix_of({"confusion": {"labels": names, "counts": counts}}) is None
    assert matrix_of({"confusion": None}) is None
    assert matrix_of({}) is None


def test_the_worst_label_comes_first() -> None:
    per_label = {
        "a": {"precision": 1.0, "recall": 1.0, "f1": 1.0, "rows": 3},
        "b": {"precision": 0.5, "recall": 0.5, "f1": 0.5, "rows": 2},
    }

    assert [figures.label for figures in figures_of({"per_label": per_label})] == ["b", "a"]
    assert figures_of({}) == []


def event(number: int, kind: str, step: int, **data: Any) -> Event:
    return (number, kind, BEGAN + timedelta(seconds=10 * number), {"step": step, **data})


def test_a_resumed_run_repeats_steps() -> None:
    curves = curves_of(
        [event(1, "eval", 2, loss=1.0), event(2, "eval", 1, loss=2.0), event(3, "eval", 2, loss=0.5)]
    )

    assert (curves["tests"]["steps"], curves["tests"]["columns"]["loss"]) == ([1, 2], [2.0, 0.5])
    assert curves["tests"]["seconds"] == [10.0, 20.0]
    assert curves["last"] == 3


def test_columns_and_charts() -> None:
    curves = curves_of(
        [
            event(1, "step", 1, loss=1.0, metrics={"reward": 0.1, "rewards/exact_match_shared/mean": 0.3}),
            event(2, "step", 2, loss="NaN", metrics={"reward": 0.2, "equal_groups": 0.5}),
            event(3, "step", 3, learning_rate=1e-4),
        ]
    )

    assert curves["training"]["columns"] == {
        "loss": [1.0, None, None],
        "reward": [0.1, 0.2, None],
        "rewards/exact_match_shared/mean": [0.3, None, None],
        "equal_groups": [None, 0.5, None],
        "learning_rate": [None, None, 1e-4],
    }
    charts = {chart["title"]: [line["label"] for line in chart["lines"]] for chart in curves["charts"]}
    assert charts == {
        "Loss": ["training"],
        "Reward": ["mean reward", "exact match"],
        "Learning rate": ["learning rate"],
        "Groups all alike": ["groups all alike"],
    }


def test_preferences_have_their_charts() -> None:
    names = ["rewards/accuracies", "rewards/margins", "rewards/chosen", "rewards/rejected"]

    charts = charts_of(names, ["preference_accuracy"])

    assert [(chart.title, len(chart.lines)) for chart in charts] == [("Preferred answers", 2), ("Margins", 3)]


def test_nothing_has_happened_yet() -> None:
    curves = curves_of([])

    assert (curves["charts"], curves["last"], curves["began"]) == ([], 0, None)


def test_long_curves_are_thinned_to_their_end() -> None:
    kept = thinned(list(range(10 * MOST_POINTS + 3)))

    assert (kept[0], kept[-1]) == (0, 10 * MOST_POINTS + 2)
    assert len(kept) <= MOST_POINTS + 1
    assert thinned([]) == []


def test_preflight(settings: Settings) -> None:
    event = {
        "rows": 1200,
        "eval_rows": 60,
        "untrainable_rows": 6,
        "truncated_rows": 0,
        "untrainable": [{"line": 7, "problem": "cut_off"}],
        "tokens": {"total": 48000, "mean": 40.0, "max": 90},
        "estimated_steps": 150,
        "steps_per_epoch": 75,
        "memory": {"peak_bytes": 2 * 1024**3, "available_bytes": 1024**3, "fits": False},
        "base_reward": {"mean": 0.0, "equal_groups": 0.75},
    }

    settings.PRICE_PER_HOUR, settings.CURRENCY = 20.0, "EUR"
    facts = {fact.name: fact for fact in facts_of(event, seconds=90)}

    assert facts["Rows"].value == "1,200"
    assert (facts["Cannot be trained on"].value, facts["Cannot be trained on"].tone) == ("6", "warning")
    assert (facts["Cut off"].value, facts["Cut off"].tone) == ("0", "")
    assert facts["Tokens"].hint == "40 a row, at most 90"
    assert facts["Memory, at most"].tone == "danger"
    assert facts["Time, about"].value == "1 min 30 s"
    assert facts["Cost, about"].value == "0.50 EUR"
    assert facts["Reward at the start"].tone == "warning"
    assert facts["Reward at the start"].hint == "75 % of prompts with answers all alike"
    assert [(problem.line, problem.text) for problem in problems_of(event)] == [(7, "answer cut off")]


def test_preflight_that_tells_little() -> None:
    assert [fact.name for fact in facts_of({"rows": 3})] == ["Rows", "Cannot be trained on", "Cut off"]
    assert problems_of({}) == []


def test_parity_in_words() -> None:
    record = {
        "probes": [
            {"tokens": 16, "agreed": 16, "difference": 0.00001, "first": None, "problem": ""},
            {"dimensions": 384, "cosine": 0.5, "problem": "the vector is another"},
            {"problem": "the engine refused the prompt"},
        ]
    }

    first, second, third = probes_of(record)

    assert first.text == "16 of 16 tokens alike; log-probabilities within 1e-05"
    assert (second.text, second.problem) == ("cosine 0.5", "the vector is another")
    assert third.text == "asked"
    assert probes_of(None) == []


def test_differences_word_by_word() -> None:
    parts = difference("a green apple", "a red apple")

    assert [(part.kind, part.text) for part in parts] == [
        ("same", "a "),
        ("missing", "green"),
        ("added", "red"),
        ("same", " apple"),
    ]
    assert difference("alike", " alike ") == []
    assert difference("word " * 1000, "other " * 1000) == []
