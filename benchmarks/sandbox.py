"""How fast the code of users is scored, in each kind of sandbox that this machine has.

    python -m benchmarks.sandbox [--calls N] [--starts N]

`persistent` asks one process again and again, as jobs do; `fresh` starts a sandbox for each call, as it
would have to be without one that survives hostile rows. `in_process` is the same call without any sandbox.
Prints one JSON object: calls per second, and the median milliseconds from nothing to the first score.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from embassy.evaluation.builtin import texts
from embassy.evaluation.functions import BuiltIn
from embassy.evaluation.sandbox.policy import Level, Limits, Policy
from embassy.evaluation.sandbox.sandbox import Sandbox
from embassy.evaluation.sandbox.strength import strength
from embassy.evaluation.sandbox.worker import Code

FUNCTION = BuiltIn(texts.token_f1_shared)
ROW = ("What is red?", "a colour that an apple may have", "red is a colour of apples")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--starts", type=int, default=20)
    options = parser.parse_args(argv)
    figures: dict[str, Any] = {"in_process": {"calls_per_s": per_second(plain, options.calls)}}
    for level in (Level.STRONG, Level.BASIC):
        found = strength(Policy(wanted=level))
        if found.level is level:
            figures[level] = measure(level, options.calls, options.starts)
        else:
            figures[level] = found.reason
    print(json.dumps(figures, indent=2))
    return 0


def measure(level: Level, calls: int, starts: int) -> dict[str, float]:
    first = [seconds_of(lambda: fresh(level)) for _ in range(starts)]
    with sandbox(level) as kept:
        kept.call(ROW)
        persistent = per_second(lambda: kept.call(ROW), calls)
    return {
        "persistent_calls_per_s": persistent,
        "fresh_calls_per_s": round(starts / sum(first), 1),
        "first_score_ms": round(median(first) * 1000, 1),
        "speed_up": round(persistent * sum(first) / starts),
    }


def sandbox(level: Level) -> Sandbox:
    return Sandbox(Code(FUNCTION.content, FUNCTION.name), limits=Limits(), policy=Policy(wanted=level))


def fresh(level: Level) -> None:
    with sandbox(level) as new:
        outcome = new.call(ROW)
    assert outcome.value is not None, outcome.reason


def plain() -> None:
    FUNCTION.function(*ROW)


def per_second(act: Callable[[], object], times: int) -> float:
    return round(times / seconds_of(lambda: [act() for _ in range(times)]))


def seconds_of(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
