"""A checkpoint's parity record → a line for each prompt that trainer and engine were both asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WORDS = {
    "difference": "log-probabilities within",
    "change": "changed by training by",
    "change_served": "and in the engine by",
    "cosine": "cosine",
    "error": "off by",
}


@dataclass(frozen=True)
class Probe:
    """`problem` is empty where both agree."""

    text: str
    problem: str


def probes_of(record: Mapping[str, Any] | None) -> list[Probe]:
    """Empty for a checkpoint that nobody has looked at."""
    return [Probe(_line(probe), probe.get("problem") or "") for probe in (record or {}).get("probes") or []]


def _line(probe: Mapping[str, Any]) -> str:
    found = [f"{words} {_short(probe[name])}" for name, words in WORDS.items() if probe.get(name) is not None]
    if probe.get("tokens"):
        found.insert(0, f"{probe.get('agreed', 0)} of {probe['tokens']} tokens alike")
    return "; ".join(found) or "asked"


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
