"""The service table: everything that the launcher runs, in the order of its dependencies."""

import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from embassy.platform import env
from embassy.platform.launcher import postgres, probes, stores
from embassy.platform.launcher.errors import LaunchError
from embassy.platform.launcher.launch import Launch
from embassy.platform.launcher.service import Service, StopSteps

STORES = ("postgres", "valkey")
_PREPARED = (*STORES, "prepare")

# On TERM a worker stores how far its jobs have come and hands its leases back; QUIT drops what still runs.
_WORKER_STOP: StopSteps = ((signal.SIGTERM, 20.0), (signal.SIGQUIT, 3.0), (signal.SIGKILL, 2.0))

Table = tuple[Service, ...]


def service_table(launch: Launch) -> Table:
    """Every service of the platform; a store that others run is not among them."""
    training_slots = env.integer("EMBASSY_TRAINING_SLOTS", 1)
    engine_slots = env.integer("EMBASSY_ENGINE_SLOTS", 16)
    return (
        *_stores(launch),
        _prepare(launch),
        _web(launch),
        _worker(launch, "control", slots=2),
        _worker(launch, "training", slots=training_slots),
        _worker(launch, "engines", slots=engine_slots),
        _scheduler(launch),
        _standby(launch, "engines", "embassy.engines.server"),
        _standby(launch, "training", "embassy.training.runner"),
    )


def select(table: Table, only: Iterable[str]) -> Table:
    """The named services; all where none is named. Raises LaunchError for a name that is none."""
    wanted = set(only)
    # A store that others run may be named: there is then nothing to start.
    if unknown := wanted - {service.name for service in table} - set(STORES):
        names = ", ".join(service.name for service in table)
        raise LaunchError(f"There is no service {', '.join(sorted(unknown))}. --only takes {names}.")
    return tuple(service for service in table if not wanted or service.name in wanted)


def check_stores(table: Table, launch: Launch) -> None:
    """Raises LaunchError where a service needs an embedded store that is left out."""
    names = {service.name for service in table}
    needed = {need for service in table for need in service.needs}
    for store, server, variable in (
        ("postgres", launch.postgres, "DATABASE_URL"),
        ("valkey", launch.valkey, "REDIS_URL"),
    ):
        if server and store in needed and store not in names:
            raise LaunchError(f"These services need {store}: name it in --only too, or set {variable}.")


def _stores(launch: Launch) -> Iterable[Service]:
    if server := launch.postgres:
        yield Service(
            name="postgres",
            argv=server.argv(),
            env=server.env,
            cwd=Path("/"),
            before=lambda: server.prepare(launch.credentials.postgres_password),
            ready=probes.answers(stores.ask_postgres, launch.database_url),
            account=server.account,
            stop=postgres.STOP,
            start_seconds=1800,  # a recovery after a crash may have much to read
        )
    if broker := launch.valkey:
        yield Service(
            name="valkey",
            argv=broker.argv(),
            env={},
            cwd=broker.folder,
            before=lambda: broker.prepare(launch.credentials.valkey_password),
            ready=probes.answers(stores.ask_redis, launch.redis_url),
        )


def _prepare(launch: Launch) -> Service:
    return Service(
        name="prepare",
        argv=(sys.executable, "manage.py", "prepare"),
        env=launch.service_env,
        cwd=launch.root,
        needs=STORES,
        oneshot=True,
        shown=True,
    )


def _web(launch: Launch) -> Service:
    host, port = launch.options.host, launch.options.port
    return Service(
        name="web",
        argv=(
            *(sys.executable, "-m", "uvicorn", "embassy.asgi:application"),
            *("--host", host, "--port", str(port), "--timeout-graceful-shutdown", "5", "--no-access-log"),
        ),
        env=launch.service_env | {"EMBASSY_DB_POOL": "1"},
        cwd=launch.root,
        needs=_PREPARED,
        ready=probes.serves(_reachable(host), port, "/readyz"),
    )


def _worker(launch: Launch, queue: str, *, slots: int) -> Service:
    name = f"worker-{queue}"
    return _with_ready_file(
        launch,
        name,
        argv=(
            *(sys.executable, "-m", "celery", "-A", "embassy.workers", "worker"),
            *(
                "-Q",
                queue,
                "-n",
                f"{queue}@{env.text('EMBASSY_HOST_NAME') or '%h'}",
                "--concurrency",
                str(slots),
                "--loglevel",
                "INFO",
                "--without-mingle",
                "--without-gossip",
            ),
        ),
        stop=_WORKER_STOP,
    )


def _scheduler(launch: Launch) -> Service:
    return _with_ready_file(launch, "scheduler", argv=(sys.executable, "manage.py", "run_scheduler"))


def _with_ready_file(
    launch: Launch,
    name: str,
    *,
    argv: tuple[str, ...],
    stop: StopSteps = ((signal.SIGTERM, 8.0), (signal.SIGKILL, 2.0)),
) -> Service:
    """A program that touches the file in EMBASSY_READY_FILE when it takes work."""
    file = launch.home.ready_file(name)
    return Service(
        name=name,
        argv=argv,
        env=launch.service_env | {"EMBASSY_READY_FILE": str(file)},
        cwd=launch.root,
        needs=_PREPARED,
        before=_removing(file),
        ready=probes.exists(file),
        stop=stop,
    )


def _standby(launch: Launch, queue: str, program: str) -> Service:
    """Holds a program's imports ready; the engines and trainers that it forks are their worker's."""
    socket = launch.home.socket(f"{queue}.sock")
    return Service(
        name=f"standby-{queue}",
        argv=(
            sys.executable,
            "-m",
            "embassy.platform.forkserver",
            "--socket",
            str(socket),
            "--program",
            program,
        ),
        env=_without_secrets(launch.service_env),
        cwd=launch.root,
        before=_removing(socket),
        ready=probes.accepts(socket),
        start_seconds=300,
        serves=(f"worker-{queue}",),
        lazy=True,
        essential=False,
        keeps_descendants=True,
    )


def _without_secrets(environ: dict[str, str]) -> dict[str, str]:
    """What engines and trainers may inherit: they run models of strangers and need no store."""
    hidden = ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "SECRET_KEY", "S3_")
    return {name: value for name, value in environ.items() if not name.startswith(hidden)}


def _removing(path: Path) -> Callable[[], None]:
    return lambda: path.unlink(missing_ok=True)


def _reachable(host: str) -> str:
    """Where to ask a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
