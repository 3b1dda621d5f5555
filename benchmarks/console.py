"""How fast every page of the console is with many rows, and how much a browser loads for the first one.

    python -m benchmarks.console [--runs N] [--scale F] [--json]

Starts Postgres and Valkey of its own, makes 10,000 jobs, 1,000 data sets, 500 deployments and 1,000,000 rows
of usage (times F), and asks for each address of the URL table as an owner. Milliseconds are those of the web
process, middleware and queries included; bytes are the page with its scripts, styles and images as they are
sent, compressed. Ends with 1 if a page is over 200 ms (median) or 300 kB.
"""

import argparse
import gzip
import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields
from html.parser import HTMLParser
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.servers import machine, stores

MOST_MS, MOST_BYTES = 200, 300_000
# Pages that have more to do when they are asked something.
ASKED = (
    ("search: a word", "/console/search?q=tickets"),
    ("projects: a word", "/console/?q=team&sort=name"),
    ("usage: 24 hours", "/console/usage?range=24h&by=deployment"),
    ("usage: 7 days", "/console/usage?range=7d&by=model"),
    ("usage: keys", "/console/usage?by=key&sort=errors"),
    ("usage: people", "/console/usage?by=person"),
)
LOADED = {"script": "src", "link": "href", "img": "src", "use": "href"}


@dataclass(frozen=True)
class Measured:
    name: str
    address: str
    median_ms: float
    p95_ms: float
    queries: int
    bytes: int  # 0: part of a page, or no page

    @property
    def is_over(self) -> bool:
        return self.median_ms > MOST_MS or self.bytes > MOST_BYTES


class Loaded(HTMLParser):
    """The addresses of what a page loads by itself."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get(LOADED.get(tag, "")) or ""
        if address.startswith("/static/"):
            self.addresses.add(address.partition("#")[0])


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    with ExitStack() as stack:
        os.environ["EMBASSY_HOME"] = stack.enter_context(tempfile.TemporaryDirectory())
        stores(stack)
        seconds, found, skipped = measure_all(options.scale, options.runs)
    if options.json:
        print(json.dumps({"seeding_s": seconds, "pages": [asdict(one) for one in found], **machine()}))
    else:
        print_table(seconds, found, skipped)
    return int(any(one.is_over for one in found))


def measure_all(scale: float, runs: int) -> tuple[float, list[Measured], list[str]]:
    """Seconds for making the rows, the pages, and the addresses that are none."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    settings.ALLOWED_HOSTS = ["*"]
    began = time.monotonic()
    owner, addresses = make(scale)
    seconds = round(time.monotonic() - began, 1)
    client = Client()
    client.force_login(owner)
    found, skipped = [], []
    for name, address in addresses:
        answer = client.get(address)
        if answer.status_code == 200 and answer["Content-Type"].startswith(("text/html", "application/json")):
            found.append(measure(client, name, address, runs))
        else:
            skipped.append(f"{name} ({answer.status_code})")
    return seconds, found, skipped


def make(scale: float) -> tuple[Any, list[tuple[str, str]]]:
    """The owner of an organization with many rows, and every address by name."""
    from benchmarks.console_rows import Sizes, make_rows
    from tests.console.addresses import every_address
    from tests.console.ids import ids_of
    from tests.factories.projects import make_actor, make_organization, make_project, make_user

    owner = make_user()
    actor = make_actor(make_organization(owner=owner))
    project = make_project(actor)
    ids = ids_of(project, actor)
    usual = Sizes()
    sizes = {one.name: max(1, round(getattr(usual, one.name) * scale)) for one in fields(Sizes)}
    kept = {"checkpoints": usual.checkpoints, "events": usual.events}
    made = make_rows(project, Sizes(**sizes | kept))
    pages = ("job", "job-live", "job-losses", "job-curves", "job-events", "job-log")
    ids |= {f"{page}.job_id": made.job.public_id for page in pages}
    of_deployments = ("deployment", "deployment-live", "deployment-usage", "request-logs")
    ids |= {f"{page}.deployment_id": made.deployment.public_id for page in of_deployments}
    named = [(address.name, address.path) for address in every_address(ids)]
    return owner, [*named, *ASKED, *of_jobs(project, made)]


def of_jobs(project: Any, made: Any) -> list[tuple[str, str]]:
    """Pages that name jobs in their query."""
    inside = f"/console/projects/{project.public_id}"
    both = f"job={made.job.public_id}&job={made.other.public_id}"
    return [
        ("compare-jobs: two", f"{inside}/jobs/compare?{both}"),
        ("jobs: a word", f"{inside}/jobs?q=tickets&sort=best"),
        ("deploy: a checkpoint", f"{inside}/deploy?reference={made.job.public_id}&checkpoint=1"),
    ]


def measure(client: Any, name: str, address: str, runs: int) -> Measured:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address, headers={"Accept-Encoding": "gzip"})
    count = len(queries)  # before the next request forgets them
    times = sorted(_milliseconds(client, address) for _ in range(runs))
    p95 = times[min(len(times) - 1, round(0.95 * len(times)))]
    size = _first_load(answer)
    return Measured(name, address, round(median(times), 1), round(p95, 1), count, size)


def _milliseconds(client: Any, address: str) -> float:
    began = time.perf_counter()
    client.get(address, headers={"Accept-Encoding": "gzip"})
    return (time.perf_counter() - began) * 1000


def _first_load(answer: Any) -> int:
    """Of a whole page; 0 for a part of one."""
    sent: bytes = answer.content
    page = (gzip.decompress(sent) if answer.get("Content-Encoding") == "gzip" else sent).decode()
    if "<html" not in page:
        return 0
    return len(sent) + sum(_size(address) for address in Loaded(page).addresses)


def _size(address: str) -> int:
    from django.conf import settings

    file = Path(settings.STATIC_ROOT, address.removeprefix("/static/"))
    compressed = Path(f"{file}.gz")
    return (compressed if compressed.exists() else file).stat().st_size


def print_table(seconds: float, found: list[Measured], skipped: list[str]) -> None:
    print(f"rows made in {seconds} s; {machine()}")
    print(f"{'page':32} {'median ms':>9} {'p95 ms':>8} {'queries':>8} {'kB':>6}")
    for one in sorted(found, key=lambda one: -one.median_ms):
        over = "  OVER" if one.is_over else ""
        print(f"{one.name:32} {one.median_ms:9} {one.p95_ms:8} {one.queries:8} {one.bytes / 1000:6.0f}{over}")
    print(f"no pages: {', '.join(skipped)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
