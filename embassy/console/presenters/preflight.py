"""What was known before the first step → the facts of a card."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template.defaultfilters import filesizeformat

from embassy.console.templatetags.console import duration

PROBLEMS = {
    "empty_completion": "no answer",
    "cut_off": "answer cut off",
    "no_answer": "nothing to learn",
    "prompt_too_long": "prompt too long",
    "equal_answers": "both answers alike",
    "no_label": "no label",
    "no_number": "no number",
    "empty_text": "empty text",
}


@dataclass(frozen=True)
class Fact:
    """`tone` is warning or danger where somebody should look, else empty."""

    name: str
    value: str
    hint: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Problem:
    line: int
    text: str


def facts_of(event: Mapping[str, Any], *, seconds: float | None = None) -> list[Fact]:
    """Only of what the event tells. `seconds` is how long training lasts, or seems to last, in all."""
    facts = (*_rows(event), _tokens(event), _steps(event), _reward(event), _memory(event))
    return [fact for fact in (*facts, *_duration(seconds)) if fact]


def problems_of(event: Mapping[str, Any]) -> list[Problem]:
    """The first rows that cannot be trained on."""
    return [
        Problem(row["line"], PROBLEMS.get(row["problem"], row["problem"]))
        for row in event.get("untrainable") or []
    ]


def _rows(event: Mapping[str, Any]) -> list[Fact | None]:
    rows, untrainable, truncated = (
        event.get(name) or 0 for name in ("rows", "untrainable_rows", "truncated_rows")
    )
    return [
        Fact("Rows", f"{rows:,}", _of_testing(event)),
        _count("Cannot be trained on", untrainable, rows, "danger" if untrainable * 10 > rows else "warning"),
        _count("Cut off", truncated, rows, "warning"),
    ]


def _count(name: str, count: int, rows: int, tone: str) -> Fact:
    share = f"{100 * count / rows:.1f} %" if count and rows else ""
    return Fact(name, f"{count:,}", share, tone if count else "")


def _of_testing(event: Mapping[str, Any]) -> str:
    return f"and {event['eval_rows']:,} for testing" if event.get("eval_rows") else ""


def _tokens(event: Mapping[str, Any]) -> Fact | None:
    tokens = event.get("tokens")
    if not tokens:
        return None
    return Fact("Tokens", f"{tokens['total']:,}", f"{tokens['mean']:g} a row, at most {tokens['max']:,}")


def _steps(event: Mapping[str, Any]) -> Fact | None:
    steps = event.get("estimated_steps")
    return Fact("Steps", f"{steps:,}", f"{event.get('steps_per_epoch', 0):,} an epoch") if steps else None


def _memory(event: Mapping[str, Any]) -> Fact | None:
    memory = event.get("memory")
    if not memory:
        return None
    hint = f"of {filesizeformat(memory['available_bytes'])} free" if memory.get("available_bytes") else ""
    tone = "" if memory.get("fits", True) else "danger"
    return Fact("Memory, at most", str(filesizeformat(memory["peak_bytes"])), hint, tone)


def _reward(event: Mapping[str, Any]) -> Fact | None:
    """What the answers of the start were worth, where rewards are to be raised."""
    measured = event.get("base_reward")
    if not measured:
        return None
    alike = f"{100 * measured['equal_groups']:.0f} % of prompts with answers all alike"
    return Fact(
        "Reward at the start", f"{measured['mean']:.3f}", alike, "" if measured["mean"] else "warning"
    )


def _duration(seconds: float | None) -> list[Fact]:
    if seconds is None:
        return []
    time = Fact("Time, about", duration(seconds))
    price = settings.PRICE_PER_HOUR
    return (
        [time, Fact("Cost, about", f"{seconds / 3600 * price:.2f} {settings.CURRENCY}")] if price else [time]
    )
