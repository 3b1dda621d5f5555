"""No page asks the database more often because there are more rows."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks.console_rows import Made, Sizes, make_rows
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from tests.console.addresses import Address, every_address
from tests.console.ids import ids_of

MOST = 30
FEW, MORE = 3, 15
OF_JOB = ("job", "job-live", "job-curves", "job-log", "project-usage")


def sizes(amount: int) -> Sizes:
    return Sizes(
        projects=amount,
        people=amount,
        keys=amount,
        datasets=amount,
        jobs=amount,
        checkpoints=amount,
        events=amount,
        big_events=2 * amount,
        deployments=amount,
        engines=amount,
        logs=amount,
        test_functions=amount,
        audit=amount,
        usage=100 * amount,
    )


def counted(client: Client, addresses: list[Address]) -> dict[str, int]:
    """Queries of each page that can be looked at."""
    found = {}
    for address in addresses:
        client.get(address.path)  # what is asked once a minute, or kept in memory, is no page's
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(address.path)
        if answer.status_code == 200:
            found[address.name] = len(queries)
    return found


def of_rows(ids: dict[str, str], made: Made) -> list[Address]:
    """The pages of one job and one deployment are about those that have many things."""
    jobs = {f"{page}.job_id": made.job.public_id for page in OF_JOB}
    logs = {"request-logs.deployment_id": made.deployment.public_id}
    found = Address("search-found", "/console/search?q=t", frozenset())
    return [*every_address(ids | jobs | logs), found]


@pytest.fixture
def pages(owner: Client, project: Project, actor: Actor) -> tuple[dict[str, int], dict[str, int]]:
    """By name of the page: queries with few rows, and with five times as many."""
    ids = ids_of(project, actor)
    few = counted(owner, of_rows(ids, make_rows(project, sizes(FEW))))
    return few, counted(owner, of_rows(ids, make_rows(project, sizes(MORE))))


def test_counts_do_not_grow_and_are_small(pages: tuple[dict[str, int], dict[str, int]]) -> None:
    few, more = pages
    assert {"projects", "jobs", "datasets", "deployments", "usage", "job", "search-found"} <= few.keys()
    grown = {name: (few[name], count) for name, count in more.items() if count > few.get(name, count)}
    assert not grown, f"queries with few rows and with more: {grown}"
    many = {name: count for name, count in more.items() if count > MOST}
    assert not many, f"more than {MOST} queries: {many}"
