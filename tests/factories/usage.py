"""Rows of usage, as the meter writes them."""

from datetime import datetime

from embassy.deployments.models import Deployment
from embassy.inference import services
from embassy.inference.spending import ANSWERED, Account, Outcome, Spent, Total
from embassy.platform.actor import Actor


def account_for(actor: Actor, deployment: Deployment | None = None) -> Account:
    """Without a deployment: the base model."""
    if deployment is None:
        return Account(actor.organization_id, None, None, actor.key_id, "tiny-llama-instruct")
    return Account(
        actor.organization_id,
        deployment.project_id,
        deployment.pk,
        actor.key_id,
        deployment.name,
        deployment.public_id,
    )


def spend(
    account: Account,
    *,
    at: datetime,
    milliseconds: float = 100,
    first_token: float | None = None,
    tokens: tuple[int, int] = (10, 5),
    outcome: Outcome = ANSWERED,
    times: int = 1,
) -> None:
    """So many equal requests in the hour of `at`; `tokens` of the prompt and of the completion."""
    total = Total()
    for _ in range(times):
        spent = Spent(began_at=1000.0, prompt_tokens=tokens[0], completion_tokens=tokens[1], outcome=outcome)
        if first_token is not None:
            spent.first_at = spent.began_at + first_token / 1000
        total.count(spent, spent.began_at + milliseconds / 1000)
    services.add_usage(totals={account: total}, at=at)
