"""Stores that others run: used, checked, and never repeated with their passwords."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from embassy.platform.launcher.testing import (
    STORES_ONLY,
    await_services,
    launched,
    output_of,
    running_stores,
    temporary_home,
)
from tests.processes.launcher_watch import remaining
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.processes
SECRET = "not-for-the-terminal"
AT_ONCE = {"EMBASSY_STORE_WAIT_SECONDS": "0"}


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home() as path:
        yield path


@pytest.fixture(scope="module")
def others() -> Iterator[dict[str, str]]:
    """The addresses of stores that someone else runs."""
    with running_stores() as env:
        yield {name: env[name] for name in ("DATABASE_URL", "REDIS_URL")}


def test_external_stores_are_used_and_nothing_is_started(home: Path, others: dict[str, str]) -> None:
    passed_on = {"BROKER_URL": "amqp://somewhere", "S3_BUCKET": "bucket", "SECRET_KEY": "mine"}
    with launched(home, *STORES_ONLY, env=others | passed_on) as process:
        env = await_services(home, process)
        assert env | others | passed_on == env
        assert not remaining(home)
    assert not (home / "postgres").exists()


def test_one_store_may_be_external(home: Path, others: dict[str, str]) -> None:
    with launched(home, *STORES_ONLY, env={"DATABASE_URL": others["DATABASE_URL"]}) as process:
        env = await_services(home, process)
    assert env["DATABASE_URL"] == others["DATABASE_URL"]
    assert str(home) in env["REDIS_URL"]


def _refusal(home: Path, env: dict[str, str]) -> str:
    with launched(home, *STORES_ONLY, env=AT_ONCE | env) as process:
        assert process.wait(PATIENCE_S) == 1
    said = output_of(home).read_text()
    for log in [said, *(path.read_text() for path in (home / "logs").iterdir())]:
        assert SECRET not in log
        assert quote(SECRET) not in log
    return said


@pytest.mark.parametrize(
    ("name", "url", "reason"),
    [
        ("DATABASE_URL", f"postgresql://u:{SECRET}@127.0.0.1:1/db", "cannot be reached: "),
        ("DATABASE_URL", f"postgres//u:{SECRET}@127.0.0.1/db", "must look like postgresql://"),
        ("DATABASE_URL", f"mysql://u:{SECRET}@127.0.0.1/db", "must look like postgresql://"),
        ("DATABASE_URL", f"postgresql://u:{SECRET}@127.0.0.1:port/db", "must look like postgresql://"),
        ("REDIS_URL", f"redis://:{SECRET}@127.0.0.1:1/0", "cannot be reached: "),
        ("REDIS_URL", f"unix://:{SECRET}@/nowhere/r.sock", "cannot be reached: "),
        ("REDIS_URL", f"http://:{SECRET}@127.0.0.1", "must look like redis://"),
    ],
)
def test_unusable_address_is_explained(home: Path, name: str, url: str, reason: str) -> None:
    said = _refusal(home, {name: url})
    assert name in said
    assert reason in said


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_wrong_password_is_explained(home: Path, others: dict[str, str], name: str) -> None:
    start, _, rest = others[name].partition(":")
    user = rest.removeprefix("//").partition(":")[0]
    said = _refusal(home, {name: f"{start}://{user}:{SECRET}@{rest.partition('@')[2]}"})
    assert f"{name} cannot be used." in said
    assert "refuses us" in said


def test_addresses_with_passwords_are_for_the_owner_alone(home: Path, others: dict[str, str]) -> None:
    with launched(home, *STORES_ONLY, env=others) as process:
        await_services(home, process)
        file = home / "run/services.json"
        assert file.stat().st_mode & 0o777 == 0o600
        assert json.loads(file.read_text())["pid"] == process.pid
