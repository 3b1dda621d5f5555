"""The whole platform as a user runs it: the launcher, every process, and a client over HTTP."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples" / "support-tickets"
FINAL = {"Success", "Failed", "TimedOut", "Cancelled"}
# What a fork of a standby calls itself, so that it is told apart from the standby and its warden.
TRAINER, ENGINE = "training.runner", "engines.server"

T = TypeVar("T")

logging.getLogger("httpx").setLevel(logging.WARNING)  # a poll a line hides what matters


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class LivePlatform:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.launcher: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "LivePlatform":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        inherited = {
            k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")
        }
        inherited.pop("EMBASSY_URL", None)
        inherited.setdefault("EMBASSY_ADMIN_EMAIL", "admin@localhost.localdomain")
        self.launcher = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "embassy.platform.launcher",
                "--home",
                str(self.home),
                "--port",
                str(self.port),
            ],
            cwd=ROOT,
            env=inherited,
            stdout=(self.home / "launcher.out").open("ab"),
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(self.is_ready, seconds=120, what=f"platform ready; see {self.home}/launcher.out")
        except BaseException:
            self.stop()
            raise
        self.http = httpx.Client(base_url=self.url, headers={"X-API-Key": self.key}, timeout=90)

    def is_ready(self) -> bool:
        assert self.launcher is not None
        assert self.launcher.poll() is None, (self.home / "launcher.out").read_text()[-3000:]
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    @property
    def key(self) -> str:
        return (self.home / "first-api-key").read_text().strip()

    def stop(self) -> None:
        if self.launcher is not None and self.launcher.poll() is None:
            self.launcher.send_signal(signal.SIGTERM)
            self.launcher.wait(timeout=60)

    def kill_launcher(self) -> None:
        assert self.launcher is not None
        self.launcher.kill()
        self.launcher.wait()

    # --- its processes ----------------------------------------------------------------------------

    def kill_service(self, service: str) -> None:
        """The service with everything that it started."""
        self._kill([p for p in self.leftovers() if self.service_of(p) == service])

    def kill_program(self, name: str) -> None:
        """Whoever calls itself so, whether a standby forked it or a worker started it."""
        self._kill([p for p in self.leftovers() if p.name() == name])

    def _kill(self, victims: list[psutil.Process]) -> None:
        assert victims, "nothing to kill"
        for victim in victims:
            try:
                victim.kill()
            except psutil.NoSuchProcess:
                continue

    def leftovers(self) -> list[psutil.Process]:
        """Every process that carries this platform's mark."""
        home = str(self.home)
        return [p for p in psutil.process_iter() if self._environ(p).get("EMBASSY_LAUNCHER_HOME") == home]

    def service_of(self, process: psutil.Process) -> str | None:
        """The service that started it, itself included."""
        return self._environ(process).get("EMBASSY_LAUNCHER_SERVICE")

    @staticmethod
    def _environ(process: psutil.Process) -> dict[str, str]:
        try:
            return process.environ()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return {}

    # --- the API ----------------------------------------------------------------------------------

    def call(self, method: str, path: str, *, expect: int = 200, **options: Any) -> Any:
        answer = self.http.request(method, path, **options)
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def call_patiently(self, method: str, path: str, **options: Any) -> Any:
        """As a client that retries while the platform mends itself."""

        def attempt() -> dict[str, Any] | None:
            try:
                answer = self.http.request(method, path, **options)
            except httpx.HTTPError:
                return None
            return {"body": answer.json() if answer.content else None} if answer.is_success else None

        return wait_for(attempt, seconds=60, what=f"{method} {path}")["body"]

    def create_project(self, name: str) -> str:
        return str(self.call("POST", "/v1/projects", expect=201, json={"name": name})["id"])

    def upload(self, project: str, rows: list[dict[str, Any]], *, name: str) -> str:
        content = "".join(json.dumps(row) + "\n" for row in rows).encode()
        files = {"file": (f"{name}.jsonl", content)}
        body = self.call(
            "POST", f"/v1/projects/{project}/datasets", expect=201, files=files, data={"name": name}
        )
        return str(body["id"])

    def train(self, project: str, dataset: str, **options: Any) -> str:
        body = {
            "base_model": "tiny-llama-instruct",
            "train_dataset_id": dataset,
            "test_functions": ["exact_match_shared"],
            "parameters": {"learning_rate": 0.003, "num_train_epochs": 2, "per_device_train_batch_size": 8},
        }
        path = f"/v1/projects/{project}/training-jobs"
        return str(self.call("POST", path, expect=201, json=body | options)["id"])

    def job(self, project: str, job: str) -> dict[str, Any]:
        return dict(self.call_patiently("GET", f"/v1/projects/{project}/training-jobs/{job}"))

    def wait_for_job(self, project: str, job: str, *, seconds: float = 180) -> dict[str, Any]:
        def finished() -> dict[str, Any] | None:
            row = self.job(project, job)
            return row if row["status"] in FINAL else None

        return wait_for(finished, seconds=seconds, what=f"{job} to end")

    def wait_for_deployment(
        self, project: str, deployment: str, status: str = "Deployed", *, seconds: float = 60
    ) -> dict[str, Any]:
        row: dict[str, Any] = {}

        def reached() -> bool:
            row.update(self.call_patiently("GET", f"/v1/projects/{project}/deployments/{deployment}"))
            return bool(row["status"] == status)

        try:
            wait_for(reached, seconds=seconds, what=f"{deployment} to be {status}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {row}") from None
        return row


def sample_rows(file: str, count: int) -> list[dict[str, Any]]:
    lines = (SAMPLES / f"{file}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines[:count]]
