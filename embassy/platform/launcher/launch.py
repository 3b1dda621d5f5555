"""What one launch works with: the home, the stores' addresses and the environment of every service."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from embassy.platform import env
from embassy.platform.launcher import stores
from embassy.platform.launcher.credentials import Credentials, load_credentials
from embassy.platform.launcher.errors import LaunchError, NotReady
from embassy.platform.launcher.home import Home
from embassy.platform.launcher.options import Options
from embassy.platform.launcher.postgres import Postgres, embedded_postgres
from embassy.platform.launcher.terminal import Terminal
from embassy.platform.launcher.valkey import Valkey, embedded_valkey

_PASSED_ON = ("BROKER_URL", "S3_")
_RETRY_PAUSE_S = 0.5


@dataclass(frozen=True)
class Launch:
    """Everything that the service table is made from."""

    options: Options
    home: Home
    root: Path
    credentials: Credentials
    postgres: Postgres | None
    valkey: Valkey | None
    database_url: str
    redis_url: str

    @property
    def url(self) -> str:
        """The address that people and links use."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.options.host, self.options.host)  # noqa: S104
        return os.environ.get("EMBASSY_URL") or f"http://{host}:{self.options.port}"

    @property
    def shared_env(self) -> dict[str, str]:
        """What another terminal needs to work beside this platform."""
        passed_on = {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}
        return passed_on | {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "SECRET_KEY": env.text("SECRET_KEY") or self.credentials.secret_key,
            "EMBASSY_HOME": str(self.home.path),
            "EMBASSY_URL": self.url,
            "EMBASSY_ENGINE_STANDBY": str(self.home.socket("engines.sock")),
            "EMBASSY_TRAINING_STANDBY": str(self.home.socket("training.sock")),
        }

    @property
    def service_env(self) -> dict[str, str]:
        """The environment of our own programs."""
        # Celery and vLLM set their process titles; SPT_NOENV keeps that from overwriting our mark.
        return {**os.environ, **self.shared_env, "PYTHONUNBUFFERED": "1", "SPT_NOENV": "1"}


def prepare_launch(options: Options, home: Home, root: Path, terminal: Terminal) -> Launch:
    """Settle where the stores are, and check those that others run. Raises LaunchError."""
    credentials = load_credentials(home.credentials)
    database_url, redis_url = env.text("DATABASE_URL"), env.text("REDIS_URL")
    postgres = None if database_url else embedded_postgres(home, durable=options.durable)
    valkey = None if redis_url else embedded_valkey(home, durable=options.durable)
    if database_url:
        _await_external("DATABASE_URL", stores.ask_postgres, database_url, terminal)
        stores.ask_for_pgvector(database_url)
    if redis_url:
        _await_external("REDIS_URL", stores.ask_redis, redis_url, terminal)
    return Launch(
        options,
        home,
        root,
        credentials,
        postgres,
        valkey,
        postgres.url(credentials.postgres_password) if postgres else database_url,
        valkey.url(credentials.valkey_password) if valkey else redis_url,
    )


def _await_external(name: str, ask: Callable[[str], None], url: str, terminal: Terminal) -> None:
    """Wait a while for a server of someone else: in a cluster it may be starting at the same time."""
    seconds = env.integer("EMBASSY_STORE_WAIT_SECONDS", 15)
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask(url)
        except NotReady as answer:
            if time.monotonic() >= deadline:
                raise LaunchError(f"The server that {name} names cannot be reached: {answer}") from None
        except LaunchError as error:
            raise LaunchError(f"{name} cannot be used. {error}") from None
        time.sleep(_RETRY_PAUSE_S)


def standalone(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` without what points to another platform."""
    pointers = ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "SECRET_KEY", "EMBASSY_")
    return {name: value for name, value in environ.items() if not name.startswith(pointers)}
