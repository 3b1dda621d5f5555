"""What was spent, added up in rows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from embassy.inference import services
from embassy.inference.models import Latency, Usage
from embassy.inference.spending import ABANDONED, Account, Outcome, Spent, Total

pytestmark = pytest.mark.django_db
AT = datetime(2026, 5, 4, 10, 59, 59, tzinfo=UTC)
ACCOUNT = Account(1, 2, 3, 4, "support", "dp-1")
BASE = Account(1, None, None, 4, "tiny")


def total_of(*requests: Spent) -> Total:
    total = Total()
    for spent in requests:
        total.count(spent, spent.began_at + 0.1)
    return total


def spent(**values: Any) -> Spent:
    return Spent(began_at=1000.0, **values)


def test_adds_up_within_the_hour() -> None:
    total = total_of(spent(prompt_tokens=5, completion_tokens=7), spent(first_at=1000.05))
    for _ in range(3):
        services.add_usage(totals={ACCOUNT: total, BASE: total_of(spent())}, at=AT)
    row = Usage.objects.get(deployment_pk=3)
    assert (row.organization_pk, row.project_pk, row.key_pk, row.model) == (1, 2, 4, "support")
    assert (row.requests, row.errors, row.prompt_tokens, row.completion_tokens) == (6, 0, 15, 21)
    assert row.milliseconds == 600
    assert row.hour == AT.replace(minute=0, second=0)
    assert Usage.objects.get(deployment_pk=None).requests == 3
    assert dict(Latency.objects.filter(deployment_pk=3, kind="whole").values_list("bucket", "count")) == {
        27: 6
    }
    assert Latency.objects.get(deployment_pk=3, kind="first_token").count == 3


def test_two_hours_are_two_rows() -> None:
    services.add_usage(totals={ACCOUNT: total_of(spent())}, at=AT)
    services.add_usage(totals={ACCOUNT: total_of(spent())}, at=AT.replace(hour=11))
    assert list(Usage.objects.order_by("hour").values_list("requests", flat=True)) == [1, 1]


def test_errors_are_counted_and_have_no_latency() -> None:
    refused = spent(outcome=Outcome(400, "context_length_exceeded"))
    services.add_usage(totals={ACCOUNT: total_of(refused, spent(outcome=ABANDONED), spent())}, at=AT)
    row = Usage.objects.get()
    assert (row.requests, row.errors) == (3, 1)
    assert sum(Latency.objects.filter(kind="whole").values_list("count", flat=True)) == 1


def test_many_accounts_are_four_statements(django_assert_num_queries: Any) -> None:
    totals = {Account(1, 2, pk, 4, f"model-{pk}"): total_of(spent()) for pk in range(200)}
    with django_assert_num_queries(6):  # and the savepoint around them
        services.add_usage(totals=totals, at=AT)
    assert Usage.objects.count() == Latency.objects.count() == 200


def test_old_latencies_go_and_sums_stay(settings: Settings) -> None:
    settings.LATENCY_DAYS = 10
    now = timezone.now()
    for days in (11, 9):
        services.add_usage(totals={ACCOUNT: total_of(spent())}, at=now - timedelta(days=days))
    assert services.purge_latencies() == 1
    assert Latency.objects.get().hour > now - timedelta(days=10)
    assert Usage.objects.count() == 2
