"""Users who ask all models all the time, and a verdict on every answer that they get."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field

import aiohttp
import pytest

from tests.chaos.arena import Arena
from tests.e2e.asking import Answer, Json, Question, Said, ask

USERS = 6
PAUSE_S = (0.05, 0.4)  # between two requests of one user
PATIENCE_S = (5.0, 20.0, 40.0)

# A client that hears one of these knows that it may send the same request again.
RETRYABLE = frozenset({429, 502, 503, 504})
RETRYABLE_CODES = frozenset(
    {"engine_lost", "engine_failed", "engine_busy", "engine_timeout", "model_starting", "model_failed"}
)

RIGHT = "right"


@dataclass
class Away:
    """Times (monotonic) at which the web server was being killed and started again."""

    spans: list[tuple[float, float]] = field(default_factory=list)

    def meets(self, began: float, ended: float) -> bool:
        return any(start <= ended and began <= stop for start, stop in self.spans)


@dataclass
class Account:
    """Of every request one line: how it ended. `wrong` holds those that no client should ever meet."""

    away: Away = field(default_factory=Away)
    outcomes: Counter[str] = field(default_factory=Counter)
    by_kind: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    longest: tuple[float, str] = (0.0, "")
    is_over: bool = False

    def enter(self, question: Question, answer: Answer, expected: Said) -> None:
        kind = f"{question.path}{' streamed' if question.is_stream else ''}"
        outcome = verdict(answer, expected)
        ended = time.monotonic()
        if answer.trouble and self.away.meets(ended - answer.seconds, ended):
            outcome = "the web server was away"
        elif outcome.startswith("WRONG"):
            self.wrong.append(f"{outcome}: {question} {answer} expected {expected!r}")
        self.by_kind[kind] += 1
        self.outcomes[outcome] += 1
        self.longest = max(self.longest, (answer.seconds, f"{question.model}, {outcome}"))


def verdict(answer: Answer, expected: Said) -> str:
    if answer.trouble:
        return f"WRONG {answer.trouble}"
    if answer.said is not None:
        return RIGHT if is_same(answer.said, expected) else "WRONG answer"
    if answer.status == 200:
        return f"{'event' if answer.code in RETRYABLE_CODES else 'WRONG event'} {answer.code}"
    may_retry = answer.status in RETRYABLE and answer.retry_after is not None
    return f"{'' if may_retry else 'WRONG '}{answer.status} {answer.code}"


def is_same(said: Said, expected: Said) -> bool:
    if isinstance(said, str) or isinstance(expected, str):
        return said == expected
    return said == pytest.approx(expected, abs=0.01)


async def user(session: aiohttp.ClientSession, arena: Arena, account: Account, chance: random.Random) -> None:
    while not account.is_over:
        question, expected = any_question(arena, chance)
        account.enter(question, await ask(session, question), expected)
        await asyncio.sleep(chance.uniform(*PAUSE_S))


def any_question(arena: Arena, chance: random.Random) -> tuple[Question, Said]:
    model = chance.choice(list(arena.known))
    prompt, expected = chance.choice(list(arena.known[model].items()))
    options: Json = {"chat": chance.random() < 0.5, "patience": chance.choice(PATIENCE_S)}
    if chance.random() < 0.5:
        options["stream"] = True
    return arena.question(model, prompt, **options), expected
