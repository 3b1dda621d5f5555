from datetime import UTC, datetime, timedelta

import pytest

from embassy.training.lifecycle import retry_delay
from embassy.training.models import TrainingJob
from embassy.training.reconcile import is_due

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(("failures", "seconds"), [(1, 5), (2, 10), (3, 20), (7, 300), (30, 300)])
def test_waits_longer_after_each_failure(failures: int, seconds: int) -> None:
    assert retry_delay(failures) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("waiting", "silent", "due"),
    [
        (10, None, True),
        (10, 5, False),
        (60, 25, True),
        (3600, 60, False),
        (3600, 301, True),
        (80000, 301, True),
    ],
)
def test_published_ever_more_rarely(waiting: float, silent: float | None, due: bool) -> None:
    job = TrainingJob(updated_at=NOW - timedelta(seconds=waiting))
    job.published_at = None if silent is None else NOW - timedelta(seconds=silent)

    assert is_due(job, now=NOW) is due
