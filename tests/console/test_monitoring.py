"""The charts of a deployment's page."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from embassy.deployments.models import Deployment
from embassy.inference import services
from embassy.inference.models import Tally
from embassy.inference.reports.course import PERIODS, times
from embassy.inference.spending import Outcome, Spent, Total
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from tests.factories.deployments import make_deployment
from tests.factories.usage import account_for, spend


@pytest.fixture
def deployment(project: Project, actor: Actor) -> Deployment:
    return make_deployment(project, actor=actor, name="tickets")


@pytest.fixture
def address(home: str, deployment: Deployment) -> str:
    return f"{home}/deployments/{deployment.public_id}/monitoring"


def course(member: Client, address: str, period: str) -> dict[str, Any]:
    answer = member.get(f"{address}/course?period={period}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(("period", "points"), [("1h", 60), ("24h", 144), ("7d", 168), ("30d", 120)])
def test_every_period_ends_now(
    member: Client, address: str, deployment: Deployment, actor: Actor, period: str, points: int
) -> None:
    now = timezone.now()
    spend(account_for(actor, deployment), at=now, milliseconds=200, first_token=20, times=3)
    found = course(member, address, period)
    assert len(found["times"]) == len(found["requests"]) == points
    assert found["times"][-1] <= now.timestamp() < found["times"][-1] + 24 * 3600
    # The minute may have ended meanwhile.
    assert sum(found["requests"][-2:]) == 3
    assert sum(found["tokens"]["read"]) == 30
    assert found["total"]["completion_tokens"] == 15
    assert found["total"]["latency"]["p50"] == pytest.approx(200, rel=0.2)
    assert found["total"]["first_token"]["p95"] == pytest.approx(20, rel=0.2)


def test_errors_are_told_by_code_and_those_who_left_are_none(
    member: Client, address: str, deployment: Deployment, actor: Actor
) -> None:
    now, account = timezone.now(), account_for(actor, deployment)
    spend(account, at=now, outcome=Outcome(429, "rate_limited"), times=2)
    spend(account, at=now, outcome=Outcome(503, "model_starting"))
    spend(account, at=now, outcome=Outcome(499, "client_closed"))
    found = course(member, address, "24h")
    assert sorted(found["errors"]) == ["429 rate_limited", "503 model_starting"]
    assert found["total"]["requests"] == 4
    assert found["total"]["errors"] == 3
    assert found["total"]["by_code"][0] == {"code": "429 rate_limited", "count": 2}


def test_what_is_older_is_not_in_it(
    member: Client, address: str, deployment: Deployment, actor: Actor
) -> None:
    spend(account_for(actor, deployment), at=timezone.now() - timedelta(hours=3))
    assert sum(course(member, address, "1h")["requests"]) == 0
    assert sum(course(member, address, "24h")["requests"]) == 1
    assert sum(course(member, address, "7d")["requests"]) == 1


def test_keys_are_added_up(member: Client, address: str, deployment: Deployment, actor: Actor) -> None:
    account = account_for(actor, deployment)
    services.add_usage(totals={account: _total(), account._replace(key_pk=None): _total()}, at=timezone.now())
    assert sum(course(member, address, "1h")["requests"]) == 2


def _total() -> Total:
    total = Total()
    total.count(Spent(began_at=1.0), 1.1)
    return total


def test_old_ones_are_purged(deployment: Deployment, actor: Actor) -> None:
    account, now = account_for(actor, deployment), timezone.now()
    for days in (0, 2, 40):
        spend(account, at=now - timedelta(days=days))
    services.purge_tallies()
    kept = set(Tally.objects.values_list("step", "time__date"))
    assert kept == {
        (60, now.date()),
        (3600, now.date()),
        (3600, (now - timedelta(days=2)).date()),
    }


def test_points_are_at_round_times() -> None:
    now = datetime(2026, 3, 1, 10, 47, 13, tzinfo=UTC)
    day = list(times(PERIODS["24h"], now))
    assert (day[0], day[-1]) == (
        datetime(2026, 2, 28, 10, 50, tzinfo=UTC),
        datetime(2026, 3, 1, 10, 40, tzinfo=UTC),
    )
    assert next(times(PERIODS["30d"], now)).hour % 6 == 0


def test_the_page_offers_every_period(member: Client, address: str) -> None:
    page = member.get(f"{address}?period=7d").content.decode()
    for period in PERIODS:
        assert f'data-period="{period}"' in page
    assert member.get(f"{address}?period=year").status_code == 400
    assert member.get(f"{address}/course?period=year").status_code == 400


def test_nobody_else_sees_it(outsider: Client, address: str) -> None:
    for path in (address, f"{address}/course"):
        assert outsider.get(path).status_code == 404
