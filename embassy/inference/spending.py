"""Who pays for an answer, and how much. Plain values between the meter and its rows."""

from dataclasses import dataclass
from typing import NamedTuple

from embassy.deployments.routes import Route
from embassy.platform.actor import Actor


class Account(NamedTuple):
    """Primary keys; `deployment_pk` None is a base model."""

    organization_pk: int
    project_pk: int | None
    deployment_pk: int | None
    key_pk: int | None
    model: str


@dataclass(slots=True)
class Spent:
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    milliseconds: float = 0

    def add(self, other: "Spent") -> None:
        self.requests += other.requests
        self.prompt_tokens += other.prompt_tokens
        self.completion_tokens += other.completion_tokens
        self.milliseconds += other.milliseconds


def account_of(actor: Actor, route: Route) -> Account:
    return Account(
        actor.organization_id, route.project_id, route.deployment_pk, actor.key_id, route.models[0]
    )
