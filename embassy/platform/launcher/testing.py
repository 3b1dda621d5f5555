"""Real stores for tests: a launcher as a child process, with nothing but Postgres and Valkey."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from embassy.platform.launcher.app import ROOT
from embassy.platform.launcher.launch import standalone

_START_S = 60.0
_STOP_S = 40.0
_PAUSE_S = 0.02


@contextmanager
def running_stores() -> Iterator[dict[str, str]]:
    """Start Postgres and Valkey in a temporary home, without fsync; yields their environment.

    Everything is gone afterwards, also when this process is killed: the launcher's standard input ends then.
    """
    with (
        temporary_home() as home,
        launched(home, "--only", "postgres,valkey", "--no-fsync", "--quiet") as process,
    ):
        yield await_services(home, process)


@contextmanager
def temporary_home() -> Iterator[Path]:
    """An empty home that Postgres's own user can reach, removed in the end."""
    folder = Path(tempfile.mkdtemp(prefix="embassy-"))
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def launched(home: Path, *arguments: str, module: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
    """Run the launcher on `home` and stop it in the end."""
    command = [sys.executable, *(module or ("-m", "embassy.platform.launcher")), "--home", str(home)]
    process = subprocess.Popen(
        [*command, "--until-eof", *arguments],
        cwd=ROOT,
        env=standalone(os.environ),
        stdin=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[str]) -> None:
    """Let the launcher's standard input end, and wait until it has stopped everything."""
    assert process.stdin is not None
    process.stdin.close()
    process.wait(_STOP_S)


def await_services(home: Path, process: subprocess.Popen[str]) -> dict[str, str]:
    """The environment in `run/services.json`, once it is there. Raises RuntimeError where the launcher ends."""
    file = home / "run" / "services.json"
    deadline = time.monotonic() + _START_S
    while not file.exists():
        if process.poll() is not None:
            raise RuntimeError(
                f"the launcher ended with code {process.returncode}; its logs are in {home / 'logs'}"
            )
        if time.monotonic() > deadline:
            raise RuntimeError(f"the stores were not ready within {_START_S:g} s")
        time.sleep(_PAUSE_S)
    env: dict[str, str] = json.loads(file.read_text())["env"]
    return env
