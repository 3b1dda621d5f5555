"""A reward program: `python -m tests.fakes.reward KIND`. It keeps to the protocol of the trainer's spec."""

import json
import sys
from collections.abc import Callable

Scores = list[float | None]


def short(rows: list[dict[str, str]]) -> Scores:
    """The fewer letters, the better."""
    return [1.0 / (1.0 + len(row["predicted_output"]) / 20) for row in rows]


def same(rows: list[dict[str, str]]) -> Scores:
    return [0.5 for _ in rows]


def never(rows: list[dict[str, str]]) -> Scores:
    return [0.0 for _ in rows]


def sometimes(rows: list[dict[str, str]]) -> Scores:
    return [None if index % 2 else 1.0 for index, _ in enumerate(rows)]


KINDS: dict[str, Callable[[list[dict[str, str]]], Scores]] = {
    "short": short,
    "same": same,
    "never": never,
    "sometimes": sometimes,
}


def main(kind: str) -> None:
    if kind == "dead":
        return
    for line in sys.stdin:
        answer = (
            {"error": "it broke"} if kind == "broken" else {"scores": KINDS[kind](json.loads(line)["rows"])}
        )
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
