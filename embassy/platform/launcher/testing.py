"""Real stores for tests: a launcher as a child process, with nothing but Postgres and Valkey."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from embassy.platform.launcher.app import ROOT
from embassy.platform.launcher.launch import standalone

COMMAND = (sys.executable, "-m", "embassy.platform.launcher")
STORES_ONLY = ("--only", "postgres,valkey", "--no-fsync")
_START_S = 60.0
_STOP_S = 60.0
_PAUSE_S = 0.02


@contextmanager
def running_stores() -> Iterator[dict[str, str]]:
    """Start Postgres and Valkey in a temporary home, without fsync; yields their environment.

    Everything is gone afterwards, also when this process is killed: the launcher's standard input ends then.
    """
    with temporary_home() as home, launched(home, *STORES_ONLY, "--quiet") as process:
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
def launched(
    home: Path,
    *arguments: str,
    command: Sequence[str] = COMMAND,
    env: Mapping[str, str] | None = None,
    user: int | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """Run the launcher on `home` and stop it in the end; its output goes to `output_of(home)`.

    `env` is added to our environment, `user` is the id of the user to run as (only root may choose).
    """
    with open(output_of(home), "a") as output:
        process = subprocess.Popen(
            [*command, "--home", str(home), "--until-eof", *arguments],
            cwd=ROOT,
            env=standalone(os.environ) | dict(env or {}),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
    try:
        yield process
    finally:
        stop(process)


def output_of(home: Path) -> Path:
    """Where the launcher's output goes, in the home itself."""
    return home / "launcher.out"


def stop(process: subprocess.Popen[str]) -> None:
    """Let the launcher's standard input end, and wait until it has stopped everything."""
    assert process.stdin is not None
    process.stdin.close()
    process.wait(_STOP_S)


def await_services(home: Path, process: subprocess.Popen[str]) -> dict[str, str]:
    """The environment in `run/services.json`, once it is there. Raises RuntimeError if the launcher ends."""
    deadline = time.monotonic() + _START_S
    while not (env := _env_of(home, process.pid)):
        if process.poll() is not None:
            raise RuntimeError(f"the launcher ended: {output_of(home).read_text()}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"the stores were not ready in {_START_S:g} s: {output_of(home).read_text()}")
        time.sleep(_PAUSE_S)
    return env


def _env_of(home: Path, pid: int) -> dict[str, str]:
    """What this launcher says; nothing while the file is missing, or still an earlier one's."""
    try:
        said = json.loads((home / "run" / "services.json").read_text())
    except FileNotFoundError:
        return {}
    env: dict[str, str] = said["env"]
    return env if said["pid"] == pid else {}
