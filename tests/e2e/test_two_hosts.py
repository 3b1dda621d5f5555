"""A second host joins the platform, runs an engine, and is killed: the engine moves to the first."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from embassy.platform.launcher.testing import launched, temporary_home
from tests.e2e.live import LivePlatform
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

NAME, ADDRESS = "0-annex", "127.0.0.2"
SERVICES = ("--only", "worker-engines,standby-engines", "--quiet")
MODEL = "tiny-llama-instruct"


class Annex:
    """The second host: a launcher with a home of its own that runs nothing but engines."""

    def __init__(self, home: Path, process: Any) -> None:
        self._processes = LivePlatform(home)
        self._launcher = process

    def is_warm(self) -> bool:
        """Whether its standby forks engines by now; a cold start takes half a minute."""
        services = self._processes.home / "run" / "services.json"
        if not services.exists():
            return False
        return Path(json.loads(services.read_text())["env"]["EMBASSY_ENGINE_STANDBY"]).is_socket()

    def kill(self) -> None:
        """As if somebody pulled the plug."""
        self._launcher.kill()
        self._processes._kill(self._processes.leftovers())


@contextmanager
def joined(platform: LivePlatform) -> Iterator[Annex]:
    told = json.loads((platform.home / "run" / "services.json").read_text())["env"]
    shared = {name: told[name] for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")}
    own = {
        "EMBASSY_FILES": str(platform.home / "files"),
        "EMBASSY_HOST_NAME": NAME,
        "EMBASSY_ENGINE_HOST": ADDRESS,
        "EMBASSY_ENGINE_MEMORY": "2GB",
        "EMBASSY_ENGINE_SLOTS": "2",
        "EMBASSY_LEASE_SECONDS": "5",
    }
    with temporary_home() as home, launched(home, *SERVICES, env=shared | own) as process:
        yield Annex(home, process)


def host(platform: LivePlatform, name: str) -> dict[str, Any] | None:
    rows = platform.call_patiently("GET", "/v1/hosts")
    return next((dict(row) for row in rows if row["name"] == name), None)


def engines_on(platform: LivePlatform, name: str) -> list[str]:
    row = host(platform, name)
    return [engine["id"] for engine in row["engines"]] if row else []


def ask(platform: LivePlatform) -> str:
    body = {"model": "roaming-model", "prompt": "The capital of France is", "temperature": 0, "max_tokens": 8}
    answer = platform.call_patiently("POST", "/v1/completions", json=body)
    return str(answer["choices"][0]["text"])


def test_engine_of_a_killed_host_answers_on_the_other(platform: LivePlatform) -> None:
    project = platform.create_project("two hosts")
    with joined(platform) as annex:
        wait_for(lambda: annex.is_warm() and host(platform, NAME), "the second host")
        body = {"name": "roaming", "base_model": MODEL}
        engine = str(platform.call("POST", "/v1/engines", expect=201, json=body)["id"])
        body = {"project_id": project, "training_id": MODEL, "checkpoint": 0, "name": "roaming-model"}
        platform.call("POST", f"/v1/engines/{engine}/deploy", expect=201, json=body)
        first = ask(platform)
        assert engine in engines_on(platform, NAME)

        annex.kill()
        second = wait_for(lambda: engine not in engines_on(platform, NAME) and ask(platform), "it to move")
        assert second == first
        lost = host(platform, NAME)
        assert lost is not None
        assert (lost["status"], lost["engines"]) == ("lost", [])
    platform.call(
        "POST", f"/v1/engines/{engine}/undeploy", expect=204, json={"deployment_name": "roaming-model"}
    )
    platform.call("DELETE", f"/v1/engines/{engine}", expect=204)
