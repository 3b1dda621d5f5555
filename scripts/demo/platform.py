"""The platform that the demo talks to: the one that runs in this home, or one that it starts."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180


def home() -> Path:
    return Path(os.environ.get("EMBASSY_HOME") or ROOT / ".embassy").resolve()


class Platform:
    """`launcher` is None when the platform was already running: then the demo leaves it alone."""

    def __init__(self, launcher: "subprocess.Popen[bytes] | None", url: str) -> None:
        self.launcher = launcher
        self.url = url

    @property
    def key(self) -> str:
        try:
            return (home() / "first-api-key").read_text().strip()
        except FileNotFoundError:
            raise SystemExit(
                f"This platform was set up in the browser: put an API key into {home()}/first-api-key."
            ) from None

    @property
    def sign_in(self) -> str:
        """E-mail address and password of the first user."""
        try:
            return (home() / "first-sign-in").read_text().strip()
        except FileNotFoundError:
            return "your account"

    def wait_until_stopped(self) -> None:
        if self.launcher is not None:
            self.launcher.wait()

    def stop(self) -> None:
        if self.launcher is not None and self.launcher.poll() is None:
            self.launcher.send_signal(signal.SIGTERM)
            self.launcher.wait(timeout=60)


def running_url() -> str | None:
    try:
        running = json.loads((home() / "run" / "services.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    url = str(running["env"]["EMBASSY_URL"])
    return url if is_ready(url) else None


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5).is_success
    except httpx.HTTPError:
        return False


def start(arguments: list[str]) -> Platform:
    if url := running_url():
        return Platform(None, url)
    command = [sys.executable, "-m", "embassy.platform.launcher", *arguments]
    # With its name the first account and key are made at once, and not by somebody in the browser.
    environment = {"EMBASSY_ADMIN_EMAIL": "admin@localhost.localdomain"} | os.environ
    launcher = subprocess.Popen(command, cwd=ROOT, env=environment)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if launcher.poll() is not None:
            raise SystemExit(launcher.returncode or 1)
        if url := running_url():
            return Platform(launcher, url)
        time.sleep(0.1)
    launcher.terminate()
    raise SystemExit(f"The platform was not ready within {START_SECONDS} s. See {home()}/logs.")
