"""The pages of usage: for which time, by what, and as CSV."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from embassy.deployments.models import Deployment
from embassy.inference.models import UsageDay
from embassy.platform.actor import Actor
from embassy.platform.csv_lines import csv_lines
from embassy.projects.models import ApiKey, Project, User
from embassy.training.usage import add_training_seconds
from tests.factories.deployments import make_deployment, make_job
from tests.factories.usage import account_for, spend

PAGE = "/console/usage"

# The test client is not asynchronous, as the server is.
pytestmark = pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")


@pytest.fixture
def deployment(project: Project, actor: Actor) -> Deployment:
    """With three requests just now, two of them forty days ago, and an hour of training."""
    deployment = make_deployment(project, actor=actor, name="tickets")
    now = timezone.now()
    spend(account_for(actor, deployment), at=now, times=3, tokens=(1000, 500))
    spend(account_for(actor, deployment), at=now - timedelta(days=40), times=2)
    job = make_job(project)
    add_training_seconds(job=job, attempt=1, seconds=1800)
    add_training_seconds(job=job, attempt=1, seconds=1800)
    return deployment


def text_of(client: Client, address: str, **query: str) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200
    text: str = answer.content.decode()
    return text


def chart_of(page: str) -> dict[str, list[float]]:
    found = re.search(r'<script id="usage-data" type="application/json">(.*?)</script>', page)
    assert found
    chart: dict[str, list[float]] = json.loads(found.group(1))
    return chart


def table_of(answer: Any) -> list[dict[str, str]]:
    content = b"".join(answer).decode()
    return list(csv.DictReader(io.StringIO(content)))


def test_shows_thirty_days_by_project(viewer: Client, deployment: Deployment, project: Project) -> None:
    page = text_of(viewer, PAGE)
    assert "3,000" in page
    assert "1,500" in page
    assert project.name in page
    assert "1 h" in page
    chart = chart_of(page)
    assert len(chart["times"]) == 30
    assert chart["requests"][-1] == sum(chart["requests"]) == 3
    assert sum(chart["training_hours"]) == 1


@pytest.mark.parametrize(("name", "steps"), [("24h", 24), ("7d", 168), ("30d", 30)])
def test_short_times_are_shown_by_the_hour(
    viewer: Client, deployment: Deployment, name: str, steps: int
) -> None:
    chart = chart_of(text_of(viewer, PAGE, range=name))
    assert len(chart["times"]) == steps
    assert sum(chart["requests"]) == 3


def test_days_of_ones_own_choice(viewer: Client, deployment: Deployment) -> None:
    day = (timezone.now() - timedelta(days=40)).astimezone(UTC).strftime("%Y-%m-%d")
    page = text_of(viewer, PAGE, range="custom", **{"from": day, "to": day})
    assert sum(chart_of(page)["requests"]) == 2
    assert len(chart_of(page)["times"]) == 24


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        ("2026-03-02", "2026-03-01", "before the first"),
        ("", "2026-03-01", "first and the last day"),
        ("2026-02-31", "2026-03-01", "first and the last day"),
        ("2010-01-01", "2026-03-01", "Choose up to"),
    ],
)
def test_days_that_cannot_be_are_told_beside_the_fields(
    viewer: Client, first: str, last: str, told: str
) -> None:
    answer = viewer.get(PAGE, {"range": "custom", "from": first, "to": last})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert told in page
    assert f'value="{first}"' in page


@pytest.mark.parametrize("by", ["project", "deployment", "model", "key", "person"])
def test_by_whatever_it_is_asked_by(viewer: Client, deployment: Deployment, actor: Actor, by: str) -> None:
    names = {
        "project": "support",
        "deployment": deployment.public_id,
        "model": "tickets",
        "key": ApiKey.objects.get(organization_id=actor.organization_id).prefix,
        "person": User.objects.get(pk=actor.user_id).email,
    }
    assert names[by] in text_of(viewer, PAGE, by=by)


def test_what_is_unknown_is_as_if_not_asked(viewer: Client, deployment: Deployment) -> None:
    assert "3,000" in text_of(viewer, PAGE, by="nothing", range="ever", sort="password", page="99")


def test_a_deleted_deployment_keeps_its_usage(viewer: Client, deployment: Deployment) -> None:
    Deployment.objects.all().delete()
    page = text_of(viewer, PAGE, by="deployment")
    assert "deleted" in page
    assert "3,000" in page


def test_costs_where_there_are_prices(viewer: Client, deployment: Deployment, settings: Settings) -> None:
    assert "Cost" not in text_of(viewer, PAGE)
    settings.PRICE_PER_HOUR, settings.INPUT_PRICE_PER_MILLION, settings.CURRENCY = 2.5, 1000.0, "EUR"
    assert "5.50 EUR" in text_of(viewer, PAGE)


def test_a_projects_own_page_is_about_it_alone(
    viewer: Client, deployment: Deployment, actor: Actor, home: str
) -> None:
    spend(account_for(actor), at=timezone.now(), times=7)  # a base model's: no project's
    assert sum(chart_of(text_of(viewer, PAGE))["requests"]) == 10
    page = text_of(viewer, f"{home}/usage")
    assert sum(chart_of(page)["requests"]) == 3
    assert "by=project" not in page


def test_another_organization_sees_nothing_of_it(outsider: Client, deployment: Deployment) -> None:
    page = text_of(outsider, PAGE)
    assert "Nothing was used in this time" in page
    assert sum(chart_of(page)["requests"]) == 0
    assert table_of(outsider.get(f"{PAGE}.csv")) == []


def test_the_file_has_each_day_and_numbers_as_numbers(viewer: Client, deployment: Deployment) -> None:
    answer = viewer.get(f"{PAGE}.csv", {"by": "deployment", "range": "30d"})
    assert answer["Content-Type"].startswith("text/csv")
    assert "attachment" in answer["Content-Disposition"]
    (row,) = table_of(answer)
    assert row["day_utc"] == datetime.now(UTC).strftime("%Y-%m-%d")
    assert (row["deployment"], row["detail"]) == ("tickets", deployment.public_id)
    assert (row["requests"], row["prompt_tokens"]) == ("3", "3000")


def test_training_time_is_in_the_file_of_projects(viewer: Client, deployment: Deployment, home: str) -> None:
    rows = table_of(viewer.get(f"{PAGE}.csv", {"range": "24h"}))
    assert sum(float(row["training_seconds"]) for row in rows) == 3600
    rows = table_of(viewer.get(f"{home}/usage.csv", {"range": "24h", "by": "person"}))
    assert sum(float(row["training_seconds"]) for row in rows) == 3600


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(start: str) -> None:
    (cells,) = csv.reader(io.StringIO(csv_lines([[f"{start}1+1", -3, 0.5]]), newline=""))
    assert cells == [f"'{start}1+1", "-3", "0.5"]


def test_a_projects_name_is_no_formula_either(member: Client, actor: Actor, project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(name='=HYPERLINK("http://example.com")')
    add_training_seconds(job=make_job(project), attempt=1, seconds=1)
    (row,) = table_of(member.get(f"{PAGE}.csv"))
    assert row["project"].startswith("'=HYPERLINK")


def test_days_are_counted_along_with_hours(actor: Actor) -> None:
    at = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    for hours in (0, 0.4, 1):
        spend(account_for(actor), at=at + timedelta(hours=hours))
    assert list(UsageDay.objects.order_by("day").values_list("day__day", "requests")) == [(1, 2), (2, 1)]
