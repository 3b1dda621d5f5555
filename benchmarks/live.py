"""A whole platform of a benchmark's own, with a trained checkpoint, and a look at its rows.

The rows tell when each part did its share; clients and platform share one clock, so that their times compare.
"""

import argparse
import json
import logging
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx

from benchmarks.http_load import Target
from benchmarks.servers import free_port, machine
from embassy.platform.launcher.testing import await_services, launched, temporary_home

ROOT = Path(__file__).resolve().parents[1]
TICKETS = ROOT / "samples" / "support-tickets" / "train.jsonl"
BASE = "tiny-llama-instruct"
FINAL = {"Success", "Failed", "TimedOut", "Cancelled"}
START_S, JOB_S, REQUEST_S = 180.0, 180.0, 120.0
LOOK_S = 0.05
CHOICES = b'"choices"'  # neither a comment of a stream nor an error has this


@dataclass(frozen=True)
class Platform:
    """`job` is a finished training job of `project`."""

    client: httpx.Client
    port: int
    key: str
    project: str = ""
    job: str = ""

    def call(self, method: str, path: str, **options: Any) -> Any:
        answer = self.client.request(method, path, **options)
        if answer.is_error:
            sys.exit(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    @property
    def deployments(self) -> str:
        return f"/v1/projects/{self.project}/deployments"

    def deploy(self, name: str) -> str:
        """The id of a new deployment of the job's first checkpoint."""
        body = {"training_job_id": self.job, "checkpoint": 1, "name": name}
        return str(self.call("POST", self.deployments, json=body)["id"])

    def question(self, model: str, *, stream: bool) -> Target:
        body = {"model": model, "prompt": "I was charged twice.", "max_tokens": 1, "temperature": 0}
        data = json.dumps(body | ({"stream": True} if stream else {})).encode()
        headers = (f"X-API-Key: {self.key}", f"X-Scale-Up-Timeout: {REQUEST_S:.0f}")
        return Target(model, self.port, "/v1/completions", data, headers)


@contextmanager
def trained_platform() -> Iterator[Platform]:
    """Its standby is warm, nothing else runs on it, and Django here is set up to read its rows."""
    with (
        temporary_home() as home,
        launched(
            home,
            "--port",
            str(free_port()),
            "--quiet",
            env={"EMBASSY_ADMIN_EMAIL": "admin@localhost.localdomain"},
        ) as process,
    ):
        env = await_services(home, process)
        url = httpx.URL(env["EMBASSY_URL"])
        wait_until(lambda: _is_ready(url), "the platform answers", START_S)
        wait_until(Path(env["EMBASSY_ENGINE_STANDBY"]).exists, "an engine is ready to be forked", START_S)
        _read_rows_of(env)
        key = (home / "first-api-key").read_text().strip()
        with httpx.Client(base_url=url, headers={"X-API-Key": key}, timeout=REQUEST_S) as client:
            bare = Platform(client, url.port or 0, key)
            yield Platform(client, bare.port, key, *_trained(bare))


def first_token(target: Target) -> float:
    """Send, and return when the first token is here, on the clock of `time.time`."""
    with socket.create_connection(("127.0.0.1", target.port), timeout=REQUEST_S) as connection:
        connection.sendall(target.request())
        heard = b""
        while CHOICES not in heard:
            data = connection.recv(65536)
            if not data or b'"error"' in heard:
                sys.exit(f"no answer: {heard.decode()}")
            heard += data
        return time.time()


def wait_until(look: Callable[[], object], what: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() > deadline:
            sys.exit(f"not within {seconds:g} s: {what}")
        time.sleep(LOOK_S)


def summary(rounds: Sequence[dict[str, float]]) -> dict[str, Any]:
    """For each name that the rounds have: median and 90th percentile, in milliseconds."""
    columns = {name: [round_[name] * 1000 for round_ in rounds] for name in rounds[0]}
    return {
        name: {"median_ms": round(median(values)), "p90_ms": round(p90(values))}
        for name, values in columns.items()
    }


def p90(values: Sequence[float]) -> float:
    return quantiles(values, n=10, method="inclusive")[8] if len(values) > 1 else values[0]


def both_ways(
    measure: Callable[[str, int], dict[str, float]], rounds: int, promised_s: float
) -> dict[str, Any]:
    """`measure` called for plain and streamed requests so often; and whether the promise is kept."""
    results: dict[str, Any] = {}
    for kind in ("plain", "streamed"):
        results[kind] = summary([measure(kind, number) for number in range(rounds)])
        results[kind]["kept"] = results[kind]["total"]["median_ms"] <= promised_s * 1000
    return results


def main(description: str | None, measured: Callable[[Platform, int], dict[str, Any]], rounds: int) -> None:
    """The command line of a benchmark on a platform of its own: `measured` prints its results as JSON."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds)
    chosen = parser.parse_args().rounds
    with trained_platform() as platform:
        state = machine()
        print(json.dumps({"machine": state} | measured(platform, chosen), indent=2))


def _is_ready(url: httpx.URL) -> bool:
    try:
        return httpx.get(url.join("/readyz"), timeout=5).is_success
    except httpx.HTTPError:
        return False


def _read_rows_of(env: dict[str, str]) -> None:
    import django

    os.environ.update(env)
    os.environ |= {"DJANGO_SETTINGS_MODULE": "embassy.platform.settings", "SECRET_KEY": "benchmark"}
    django.setup()
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each look hides what matters


def _trained(platform: Platform) -> tuple[str, str]:
    """Project and job."""
    project = str(platform.call("POST", "/v1/projects", json={"name": "benchmark"})["id"])
    rows = "\n".join(TICKETS.read_text().splitlines()[:32])
    dataset = platform.call(
        "POST",
        f"/v1/projects/{project}/datasets",
        files={"file": ("tickets.jsonl", rows)},
        data={"name": "tickets"},
    )
    body = {
        "base_model": BASE,
        "train_dataset_id": dataset["id"],
        "parameters": {"num_train_epochs": 1, "per_device_train_batch_size": 16},
    }
    path = f"/v1/projects/{project}/training-jobs"
    job = str(platform.call("POST", path, json=body)["id"])

    def status() -> str:
        return str(platform.call("GET", f"{path}/{job}")["status"])

    wait_until(lambda: status() in FINAL, "the job ends", JOB_S)
    if status() != "Success":
        sys.exit(f"the job ended as {status()}")
    return project, job
