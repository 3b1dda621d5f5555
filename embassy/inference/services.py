"""The one write of this app."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import F

from embassy.inference.models import Usage
from embassy.inference.spending import Account, Spent


@transaction.atomic
def add_usage(*, spent: Mapping[Account, Spent], at: datetime) -> None:
    """Add what was spent to the hour of `at`."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    for account, amount in sorted(spent.items(), key=lambda item: str(item[0])):  # one order: no deadlocks
        row, _ = Usage.objects.get_or_create(
            organization_pk=account.organization_pk,
            deployment_pk=account.deployment_pk,
            key_pk=account.key_pk,
            model=account.model,
            hour=hour,
            defaults={"project_pk": account.project_pk},
        )
        Usage.objects.filter(pk=row.pk).update(
            requests=F("requests") + amount.requests,
            prompt_tokens=F("prompt_tokens") + amount.prompt_tokens,
            completion_tokens=F("completion_tokens") + amount.completion_tokens,
            milliseconds=F("milliseconds") + round(amount.milliseconds),
        )
