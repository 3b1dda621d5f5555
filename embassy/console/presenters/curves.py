"""What a job's events tell of its course → the lines of its charts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# What a second chart shows where training measures it, and how it is called there.
COURSES = {
    "reward": "mean reward",
    "frac_reward_zero_std": "groups all alike",
    "rewards/accuracies": "preferred",
    "rewards/margins": "margin",
}
MOST_POINTS = 1500  # more than a screen has


def evaluation_of(events: Iterable[Mapping[str, Any]]) -> list[tuple[int, float]]:
    """(step, loss) of each evaluation; a resumed run repeats steps, and the later value stands."""
    points = {event["step"]: event["loss"] for event in events if _is_number(event.get("loss"))}
    return sorted(points.items())


def courses_of(events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """`steps`, and by name the values at these; None where one was not measured. Empty if none ever was."""
    found: dict[int, dict[str, float]] = {}
    for event in events:
        metrics = event.get("metrics") or {}
        known = {title: metrics[name] for name, title in COURSES.items() if _is_number(metrics.get(name))}
        if known:
            found[event["step"]] = known
    steps = thinned(sorted(found))
    titles = [title for title in COURSES.values() if any(title in values for values in found.values())]
    return {"steps": steps, "lines": {title: [found[step].get(title) for step in steps] for title in titles}}


def thinned(values: Sequence[Any]) -> list[Any]:
    """Every so many, and the last, so that there are not too many to draw."""
    stride = -(-len(values) // MOST_POINTS) or 1
    kept = list(values[::stride])
    return kept if not values or (len(values) - 1) % stride == 0 else [*kept, values[-1]]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
