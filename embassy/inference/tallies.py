"""What requests spent → rows of tallies. Pure."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from embassy.inference.models.tally import HOUR, MINUTE, TallyKind
from embassy.inference.spending import Account, Outcome, Total

Row = tuple[int, int, datetime, str, str, int]  # deployment, step, time, kind, name, count


def rows_of(totals: Iterable[tuple[Account, Total]], at: datetime) -> list[Row]:
    """For the minute and the hour of `at`, in one order. Keys are added up; base models have none."""
    counts: Counter[tuple[int, str, str]] = Counter()
    for account, total in totals:
        if account.deployment_pk is not None:
            for kind, name, count in _counts(total):
                counts[account.deployment_pk, kind, name] += count
    times = (
        (MINUTE, at.replace(second=0, microsecond=0)),
        (HOUR, at.replace(minute=0, second=0, microsecond=0)),
    )
    return [
        (deployment, step, time, kind, name, count)
        for (deployment, kind, name), count in sorted(counts.items())
        if count
        for step, time in times
    ]


def named(outcome: Outcome) -> str:
    return f"{outcome.status} {outcome.code}".strip()


def _counts(total: Total) -> Iterable[tuple[str, str, int]]:
    yield TallyKind.PROMPT_TOKENS.value, "", total.prompt_tokens
    yield TallyKind.COMPLETION_TOKENS.value, "", total.completion_tokens
    for outcome, count in total.outcomes.items():
        yield TallyKind.OUTCOME.value, named(outcome), count
    for kind, buckets in ((TallyKind.WHOLE, total.whole), (TallyKind.FIRST_TOKEN, total.first_token)):
        for bucket, count in buckets.items():
            yield kind.value, str(bucket), count
