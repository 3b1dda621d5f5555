"""The unprivileged user that Postgres, which refuses to run as root, gets on a machine where we are root."""

import os
import pwd
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from embassy.platform.launcher.errors import LaunchError

_DEFAULT_NAME = "embassy-postgres"
_ATTEMPTS = 50


@dataclass(frozen=True)
class Account:
    """A system user."""

    name: str
    uid: int
    gid: int

    def can_enter(self, folder: Path) -> bool:
        """Whether this user may pass through `folder` and every folder above it."""
        return self.succeeds(["test", "-x", str(folder)])

    def succeeds(self, argv: list[str]) -> bool:
        """Whether a program can be started by this user and ends well."""
        try:
            done = subprocess.run(
                argv,
                user=self.uid,
                group=self.gid,
                extra_groups=[],
                cwd="/",
                capture_output=True,
                check=False,
            )
        except (PermissionError, FileNotFoundError):
            return False
        return done.returncode == 0


def postgres_account() -> Account | None:
    """The account to run Postgres with; None where we are an ordinary user and run it ourselves."""
    if os.geteuid() != 0:
        return None
    name = os.environ.get("EMBASSY_POSTGRES_USER", _DEFAULT_NAME)
    # Two launchers may start at once: useradd then fails on its lock, or because the other was faster.
    for _ in range(_ATTEMPTS):
        if account := _find(name):
            return account
        trouble = _create(name)
        time.sleep(0.1)
    raise LaunchError(
        f"Postgres must not run as root, and its system user {name} cannot be created ({trouble}). "
        "Create it yourself, or name an existing one in EMBASSY_POSTGRES_USER, or start as an ordinary user."
    )


def _find(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name, entry.pw_uid, entry.pw_gid)


def _create(name: str) -> str:
    """Try to create the user; returns what useradd complained about."""
    program = shutil.which("useradd") or "/usr/sbin/useradd"
    argv = [program, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    try:
        done = subprocess.run(
            [*argv, "--shell", "/bin/false", name], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return "there is no useradd on this machine"
    return done.stderr.strip()
