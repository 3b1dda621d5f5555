"""Who pays for an answer, and how much. Plain values between the gateway, the meter and its rows."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from embassy.deployments.routes import Route
from embassy.inference.histogram import bucket_of
from embassy.platform.actor import Actor
from embassy.platform.errors import EmbassyError


class Account(NamedTuple):
    """Primary keys; `deployment_pk` None is a base model. `deployment_id` is the public one, or empty."""

    organization_pk: int
    project_pk: int | None
    deployment_pk: int | None
    key_pk: int | None
    model: str
    deployment_id: str = ""


class Outcome(NamedTuple):
    """The status of the answer, and the code of the error if it was one."""

    status: int
    code: str

    @property
    def is_error(self) -> bool:
        return self.status >= 400 and self.status != CLIENT_CLOSED


Use = tuple[Account, int | None]  # with the primary key of the engine
CLIENT_CLOSED = 499  # nobody waited for the answer any more: neither an answer nor an error
ANSWERED = Outcome(200, "")
ABANDONED = Outcome(CLIENT_CLOSED, "client_closed")
BROKEN = Outcome(500, "internal_error")


class Trace(Protocol):
    """Where the request's spans are made, if tracing is on."""

    def asks(self, body: dict[str, Any]) -> None: ...

    def sends(self, route: Route, path: str, *, was_held: bool) -> dict[str, str]: ...

    def end(self, spent: "Spent") -> None: ...


@dataclass(slots=True)
class Spent:
    """One request. Write into it as things become known; the meter counts it once, however it ends.

    Times are seconds on the monotonic clock, 0 where a thing did not happen. `sent_at`: it went to the engine
    for the last time. `first_at`: the first event of a stream was here. `was_held`: its model was not up when
    it came. `account` stays None as long as nobody knows which model the request is for.
    """

    began_at: float = field(default_factory=time.monotonic)
    sent_at: float = 0.0
    first_at: float = 0.0
    was_held: bool = False
    account: Account | None = None
    use: Use | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    outcome: Outcome = ANSWERED
    trace: Trace | None = None

    def asked(self, actor: Actor, route: Route) -> None:
        """It is for this route, whether or not that can answer."""
        self.account = account_of(actor, route)

    def failed(self, error: EmbassyError) -> None:
        self.outcome = Outcome(error.status, error.code)


Buckets = dict[int, int]


@dataclass(slots=True)
class Total:
    """What many requests of one account used.

    By bucket: `whole` counts times of answers, `first_token` times to the first event of streams, `held`
    times for which requests waited for their model. `…_milliseconds` are the sums of the same.
    """

    requests: int = 0
    errors: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    milliseconds: float = 0
    engine_milliseconds: int = 0
    whole: Buckets = field(default_factory=dict)
    first_token: Buckets = field(default_factory=dict)
    held: Buckets = field(default_factory=dict)
    first_milliseconds: float = 0
    held_milliseconds: float = 0
    outcomes: dict[Outcome, int] = field(default_factory=dict)

    def count(self, spent: Spent, ended_at: float) -> None:
        outcome = spent.outcome
        self.requests += 1
        self.prompt_tokens += spent.prompt_tokens
        self.completion_tokens += spent.completion_tokens
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        if outcome is ANSWERED:
            self.milliseconds += _time(self.whole, spent.began_at, ended_at)
        elif outcome.is_error:
            self.errors += 1
        if spent.first_at:
            self.first_milliseconds += _time(self.first_token, spent.began_at, spent.first_at)
        if spent.was_held:
            self.held_milliseconds += _time(self.held, spent.began_at, spent.sent_at)

    def add(self, other: "Total") -> None:
        self.requests += other.requests
        self.errors += other.errors
        self.prompt_tokens += other.prompt_tokens
        self.completion_tokens += other.completion_tokens
        self.milliseconds += other.milliseconds
        self.engine_milliseconds += other.engine_milliseconds
        self.first_milliseconds += other.first_milliseconds
        self.held_milliseconds += other.held_milliseconds
        _add(self.held, other.held)
        _add(self.whole, other.whole)
        _add(self.first_token, other.first_token)
        for outcome, count in other.outcomes.items():
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + count


def account_of(actor: Actor, route: Route) -> Account:
    public_id = route.models[-1] if route.deployment_pk is not None else ""
    return Account(
        actor.organization_id, route.project_id, route.deployment_pk, actor.key_id, route.models[0], public_id
    )


def _time(buckets: Buckets, began_at: float, ended_at: float) -> float:
    """Count a time, and return it in milliseconds."""
    milliseconds = (ended_at - began_at) * 1000
    bucket = bucket_of(milliseconds)
    buckets[bucket] = buckets.get(bucket, 0) + 1
    return milliseconds


def _add(buckets: Buckets, others: Mapping[int, int]) -> None:
    for bucket, count in others.items():
        buckets[bucket] = buckets.get(bucket, 0) + count
