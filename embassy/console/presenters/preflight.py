"""What is known before the first step → the facts of a card.

An estimate, which the form shows, and what the trainer told of a job have the same facts in the same words:
the one is brought into the shape of the other, and times and costs come from the same places as the API's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.template.defaultfilters import filesizeformat

from embassy.console.templatetags.console import duration
from embassy.training.models import TrainingJob
from embassy.training.preflight.cost import cost_of
from embassy.training.preflight.result import Duration, Preflight

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

FITTING = {False: "danger", None: "warning"}  # None: too close to say


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


def estimated_facts(found: Preflight) -> list[Fact]:
    """Of a job that is not there yet."""
    seconds = found.duration.seconds if found.duration else None
    return facts_of(_event_of(found), seconds=seconds, basis=_basis(found.duration))


def estimated_problems(found: Preflight) -> list[Problem]:
    return problems_of(_event_of(found))


def facts_of(event: Mapping[str, Any], *, seconds: float | None = None, basis: str = "") -> list[Fact]:
    """Only of what the event tells. `seconds` is how long training lasts, or seems to last, in all."""
    facts = (*_rows(event), _tokens(event), _steps(event), _reward(event), _memory(event))
    return [fact for fact in (*facts, *_duration(seconds, basis)) if fact]


def actual_of(job: TrainingJob, step: Mapping[str, Any]) -> list[Fact]:
    """What it came to so far, to be held against what was known before."""
    memory = step.get("gpu_bytes") or step.get("rss_bytes")
    speed = step.get("tokens_per_second")
    facts = (
        Fact("Steps", f"{step['step']:,}") if step.get("step") else None,
        Fact(
            "Memory", str(filesizeformat(memory)), "of the GPU" if step.get("gpu_bytes") else "of its process"
        )
        if memory
        else None,
        Fact("Speed", f"{speed:,.0f}", "tokens a second") if speed else None,
        Fact("Time", duration(job.seconds_used), _attempts(job)) if job.seconds_used else None,
        _cost(job.seconds_used, "Cost") if job.seconds_used else None,
    )
    return [fact for fact in facts if fact]


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
    tone = FITTING.get(memory.get("fits", True), "")
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


def _duration(seconds: float | None, basis: str) -> list[Fact | None]:
    if seconds is None:
        return []
    return [
        Fact("Time, about", duration(seconds) if seconds >= 1 else "under a second", basis),
        _cost(seconds, "Cost, about"),
    ]


def _cost(seconds: float, name: str) -> Fact | None:
    cost = cost_of(seconds)
    if cost is None:
        return None
    amount = f"{cost.amount:.2f}" if cost.amount >= 0.01 or not cost.amount else f"{cost.amount:.4f}"
    return Fact(name, f"{amount} {cost.currency}", f"at {cost.price_per_hour:g} an hour")


def _attempts(job: TrainingJob) -> str:
    return f"in {job.attempts} attempts" if job.attempts > 1 else ""


def _event_of(found: Preflight) -> dict[str, Any]:
    """As the trainer would tell it. Where nothing could be counted, only how many rows there are."""
    rows, memory = found.train, found.memory
    event: dict[str, Any] = {"rows": found.train_rows, "eval_rows": found.test_rows}
    if rows is not None:
        event |= {
            "rows": rows.total,
            "untrainable_rows": rows.untrainable,
            "truncated_rows": rows.truncated,
            "untrainable": [{"line": problem.line, "problem": problem.code} for problem in rows.problems],
            "tokens": rows.tokens,
        }
    event |= {"steps_per_epoch": found.steps_per_epoch, "estimated_steps": found.total_steps}
    if memory is not None:
        event["memory"] = {
            "peak_bytes": memory.peak_bytes,
            "available_bytes": memory.available_bytes,
            "fits": memory.fits,
        }
    return event


def _basis(estimated: Duration | None) -> str:
    if estimated is None:
        return ""
    if estimated.basis == "rule_of_thumb":
        return "by a rule of thumb"
    return f"from {estimated.jobs} earlier job{'' if estimated.jobs == 1 else 's'}"
