"""The whole web process as production starts it, on the database of the test."""

import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.db import connection

from tests.waiting import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 60.0
OPTIONS = ("--timeout-graceful-shutdown", "60", "--no-access-log", "--log-level", "warning")


@dataclass(frozen=True)
class WebServer:
    url: str
    process: "subprocess.Popen[bytes]"


def start_web(stack: ExitStack, **environment: str) -> WebServer:
    """With `environment` on top of ours; `stack` ends it."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "uvicorn",
            "embassy.asgi:application",
            "--fd",
            str(listener.fileno()),
            *OPTIONS,
        ],
        cwd=ROOT,
        env=os.environ
        | {"DATABASE_URL": database_url(), "SECRET_KEY": settings.SECRET_KEY, "EMBASSY_URL": url}
        | environment,
        pass_fds=[listener.fileno()],
    )
    listener.close()
    stack.callback(process.wait, PATIENCE_S)
    stack.callback(process.kill)
    _wait_until_ready(url, process)
    return WebServer(url, process)


def database_url() -> str:
    """The test's own database on the server that the environment names."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    return parts._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        assert process.poll() is None
        assert time.monotonic() < deadline
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
