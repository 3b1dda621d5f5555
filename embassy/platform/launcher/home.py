"""The home folder: everything that the platform keeps on this machine."""

import hashlib
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from embassy.platform.launcher.errors import LaunchError

# A Unix socket's path may have 107 bytes; Postgres appends its own name and a lock file's suffix.
_SOCKET_FOLDER_BYTES = 80
# Of our own sockets, and of those of Postgres, which may run as another user.
SHORT_FOLDER_KINDS = ("", "pg-")
_FOLDERS = ("logs", "run", "files", "valkey")


def default_path() -> Path:
    """`EMBASSY_HOME`, or `.embassy` in the current folder."""
    return Path(os.environ.get("EMBASSY_HOME") or ".embassy")


@dataclass(frozen=True)
class Home:
    """Paths below one home folder."""

    path: Path

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def valkey(self) -> Path:
        return self.path / "valkey"

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def credentials(self) -> Path:
        return self.path / "secrets.json"

    @property
    def first_key(self) -> Path:
        return self.path / "first-api-key"

    @property
    def first_sign_in(self) -> Path:
        return self.path / "first-sign-in"

    @property
    def set_up_link(self) -> Path:
        return self.path / "set-up-link"

    @property
    def digest(self) -> str:
        """A short name that belongs to this home alone."""
        return hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]

    def log(self, service: str) -> Path:
        return self.logs / f"{service}.log"

    def ready_file(self, service: str) -> Path:
        """The file that a worker touches when it takes work."""
        return self.run / f"{service}.ready"

    def socket(self, name: str) -> Path:
        """Where the socket `name` lies: in `run`, or below /tmp where that path would be too long."""
        return socket_folder(self.run, self.short_folder("")) / name

    def short_folder(self, kind: str) -> Path:
        """A folder whose path is short enough for sockets. /tmp itself, because TMPDIR may be long."""
        return Path(f"/tmp/embassy-{kind}{self.digest}")  # noqa: S108 - made and checked in socket_folder

    def remove_short_folders(self) -> None:
        """Leave nothing in /tmp once the servers have removed their sockets."""
        for kind in SHORT_FOLDER_KINDS:
            with suppress(OSError):  # another's, or a killed server's socket is still there
                self.short_folder(kind).rmdir()


def open_home(path: Path) -> Home:
    """Create what is missing of the home folder. Raises LaunchError where it belongs to someone else."""
    home = Home(path.expanduser().resolve())
    _create(home.path)
    _check_owner(home.path)
    for name in _FOLDERS:
        (home.path / name).mkdir(mode=0o700, exist_ok=True)
    return home


def _create(path: Path) -> None:
    if path.is_dir():
        return
    try:
        path.mkdir(parents=True)
    except OSError as error:
        raise LaunchError(
            f"Cannot create the home folder {path}: {error.strerror}. Choose another with --home."
        ) from None
    # Run by root, Postgres has a user of its own, which must be able to pass through to its data.
    path.chmod(0o711 if os.geteuid() == 0 else 0o700)


def _check_owner(path: Path) -> None:
    owner = path.stat().st_uid
    if owner != os.geteuid():
        raise LaunchError(
            f"The home folder {path} belongs to user {owner}, and you are user {os.geteuid()}. "
            "Start as its owner, or choose another with --home."
        )


def socket_folder(wanted: Path, short: Path, owner: int | None = None) -> Path:
    """`wanted` if sockets fit below it, else the private folder `short`, created for `owner`."""
    if len(os.fsencode(wanted)) <= _SOCKET_FOLDER_BYTES:
        return wanted
    owner = os.geteuid() if owner is None else owner
    if not os.path.lexists(short):
        short.mkdir(mode=0o700)
        os.chown(short, owner, -1)
    _check_private(short, owner)
    return short


def _check_private(folder: Path, owner: int) -> None:
    """Anybody may create a name below /tmp: use only what is ours, and a folder, and closed to others."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
        raise LaunchError(
            f"{folder} exists and is not a private folder of user {owner}. Remove it and start again."
        )
