"""Who pays for an answer, and how much. Plain values between the gateway, the meter and its rows."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from embassy.deployments.routes import Route
from embassy.inference.histogram import bucket_of
from embassy.platform.actor import Actor
from embassy.platform.errors import EmbassyError

Place = tuple[int | None, int | None]  # primary keys of deployment and engine


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


CLIENT_CLOSED = 499  # nobody waited for the answer any more: neither an answer nor an error
ANSWERED = Outcome(200, "")
ABANDONED = Outcome(CLIENT_CLOSED, "client_closed")
BROKEN = Outcome(500, "internal_error")


@dataclass(slots=True)
class Spent:
    """One request. Write into it as things become known; the meter counts it once, however it ends.

    Times are seconds on the monotonic clock, 0 where a thing did not happen. `first_at`: the first event of a
    stream was here. `account` stays None as long as nobody knows which model the request is for.
    """

    began_at: float = field(default_factory=time.monotonic)
    first_at: float = 0.0
    account: Account | None = None
    place: Place | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    outcome: Outcome = ANSWERED

    def asked(self, actor: Actor, route: Route) -> None:
        """It is for this route, whether or not that can answer."""
        self.account = account_of(actor, route)

    def failed(self, error: EmbassyError) -> None:
        self.outcome = Outcome(error.status, error.code)


Buckets = dict[int, int]


@dataclass(slots=True)
class Total:
    """What many requests of one account used. `whole` and `first_token` count times by bucket."""

    requests: int = 0
    errors: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    milliseconds: float = 0
    engine_milliseconds: int = 0
    whole: Buckets = field(default_factory=dict)
    first_token: Buckets = field(default_factory=dict)
    first_milliseconds: float = 0
    outcomes: dict[Outcome, int] = field(default_factory=dict)

    def count(self, spent: Spent, ended_at: float) -> None:
        outcome, milliseconds = spent.outcome, (ended_at - spent.began_at) * 1000
        self.requests += 1
        self.prompt_tokens += spent.prompt_tokens
        self.completion_tokens += spent.completion_tokens
        self.milliseconds += milliseconds
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        if outcome is ANSWERED:
            bucket = bucket_of(milliseconds)
            self.whole[bucket] = self.whole.get(bucket, 0) + 1
        elif outcome.is_error:
            self.errors += 1
        if spent.first_at:
            waited = (spent.first_at - spent.began_at) * 1000
            bucket = bucket_of(waited)
            self.first_token[bucket] = self.first_token.get(bucket, 0) + 1
            self.first_milliseconds += waited

    def add(self, other: "Total") -> None:
        self.requests += other.requests
        self.errors += other.errors
        self.prompt_tokens += other.prompt_tokens
        self.completion_tokens += other.completion_tokens
        self.milliseconds += other.milliseconds
        self.engine_milliseconds += other.engine_milliseconds
        self.first_milliseconds += other.first_milliseconds
        _add(self.whole, other.whole)
        _add(self.first_token, other.first_token)
        for outcome, count in other.outcomes.items():
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + count


def account_of(actor: Actor, route: Route) -> Account:
    public_id = route.models[-1] if route.deployment_pk is not None else ""
    return Account(
        actor.organization_id, route.project_id, route.deployment_pk, actor.key_id, route.models[0], public_id
    )


def _add(buckets: Buckets, others: Mapping[int, int]) -> None:
    for bucket, count in others.items():
        buckets[bucket] = buckets.get(bucket, 0) + count
