"""The writes of this app: what was used, added up in the rows of the hour."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from embassy.inference.models import Latency, LatencyKind, Tally, Usage, UsageDay
from embassy.inference.models.tally import HOUR, MINUTE
from embassy.inference.models.usage import day_of, hour_of
from embassy.inference.spending import Account, Buckets, Total
from embassy.inference.tallies import rows_of

WHO = ("organization_pk", "project_pk", "deployment_pk", "key_pk", "model")
WHOSE = (*WHO, "hour")
ACCOUNT_KEY = ("organization_pk", "deployment_pk", "model", "key_pk")
USAGE_KEY = (*ACCOUNT_KEY, "hour")
DAY_KEY = (*ACCOUNT_KEY, "day")
USAGE_SUMS = (
    "requests",
    "errors",
    "prompt_tokens",
    "completion_tokens",
    "milliseconds",
    "engine_milliseconds",
)
LATENCY_KEY = (*USAGE_KEY, "kind", "bucket")
TALLY_KEY = ("deployment_pk", "step", "time", "kind", "name")
TALLIES_KEPT = {MINUTE: timedelta(hours=25), HOUR: timedelta(days=31)}
TYPES = {
    "model": "text",
    "name": "text",
    "kind": "text",
    "hour": "timestamptz",
    "day": "timestamptz",
    "time": "timestamptz",
}

Row = tuple[Any, ...]


@transaction.atomic
def add_usage(*, totals: Mapping[Account, Total], at: datetime) -> None:
    """Add what was spent to the minute, the hour and the day of `at`: four statements, however many rows."""
    hour, day = hour_of(at), day_of(at)
    # One order in every process, so that two that write at once never wait for each other in a circle.
    accounts = sorted(totals.items(), key=lambda item: str(item[0]))
    _add(Usage, WHOSE, USAGE_KEY, USAGE_SUMS, [_usage(account, hour, total) for account, total in accounts])
    days = [_usage(account, day, total) for account, total in accounts]
    _add(UsageDay, (*WHO, "day"), DAY_KEY, USAGE_SUMS, days)
    latencies = [row for account, total in accounts for row in _latencies(account, hour, total)]
    _add(Latency, (*WHOSE, "kind", "bucket"), LATENCY_KEY, ("count",), latencies)
    _add(Tally, TALLY_KEY, TALLY_KEY, ("count",), rows_of(accounts, at))


def purge_latencies() -> int:
    """Delete histograms that are too old; returns how many rows. The sums in the usage stay for ever."""
    oldest = timezone.now() - timedelta(days=settings.LATENCY_DAYS)
    deleted, _ = Latency.objects.filter(hour__lt=oldest).delete()
    return deleted


def purge_tallies() -> int:
    """Delete what no chart goes back to; returns how many rows."""
    deleted = 0
    for step, kept in TALLIES_KEPT.items():
        deleted += Tally.objects.filter(step=step, time__lt=timezone.now() - kept).delete()[0]
    return deleted


def _usage(account: Account, time: datetime, total: Total) -> Row:
    return (
        *_whose(account, time),
        total.requests,
        total.errors,
        total.prompt_tokens,
        total.completion_tokens,
        round(total.milliseconds),
        total.engine_milliseconds,
    )


def _latencies(account: Account, hour: datetime, total: Total) -> Iterable[Row]:
    kinds: Sequence[tuple[str, Buckets]] = (
        (LatencyKind.FIRST_TOKEN.value, total.first_token),
        (LatencyKind.WHOLE.value, total.whole),
    )
    for kind, buckets in kinds:
        for bucket in sorted(buckets):
            yield (*_whose(account, hour), kind, bucket, buckets[bucket])


def _whose(account: Account, time: datetime) -> Row:
    return (
        account.organization_pk,
        account.project_pk,
        account.deployment_pk,
        account.key_pk,
        account.model,
        time,
    )


def _add(
    model: "type[Usage | UsageDay | Latency | Tally]",
    columns: Sequence[str],
    key: Sequence[str],
    sums: Sequence[str],
    rows: Sequence[Row],
) -> None:
    """INSERT the rows, or add `sums` to those that are there."""
    if not rows:
        return
    table = connection.ops.quote_name(model._meta.db_table)
    names = list(dict.fromkeys((*columns, *sums)))
    arrays = ", ".join(f"%s::{TYPES.get(name, 'bigint')}[]" for name in names)
    added = ", ".join(f"{name} = {table}.{name} + EXCLUDED.{name}" for name in sums)
    statement = (
        f"INSERT INTO {table} ({', '.join(names)}) SELECT * FROM unnest({arrays})"  # noqa: S608 (our own names)
        f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {added}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(values) for values in zip(*rows, strict=True)])
