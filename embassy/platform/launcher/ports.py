"""Says who holds a TCP port."""

import errno
import os
import socket
from pathlib import Path

from embassy.platform.launcher import processes
from embassy.platform.launcher.errors import LaunchError

_LISTENING = "0A"


def check_port(host: str, port: int) -> None:
    """Raises LaunchError where nobody can listen on `host`:`port` now, naming the holder."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise LaunchError(_explain(error, host, port)) from None


def _explain(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is already used by {_holder(port)}. Free it, or choose another with --port."
    return f"Cannot listen on {host}, port {port}: {error.strerror}. Choose others with --host and --port."


def _holder(port: int) -> str:
    inodes = _listening_inodes(port)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and inodes & _sockets(entry):
            return f"pid {entry.name} ({processes.command(int(entry.name))})"
    return "another program"


def _listening_inodes(port: int) -> set[str]:
    """The inode numbers of the sockets that listen on `port`, on any address."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not Path(table).exists():
            continue
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(fields[9])
    return inodes


def _sockets(process: Path) -> set[str]:
    try:
        links = [os.readlink(entry) for entry in (process / "fd").iterdir()]
    except OSError:  # it ended, or it is another user's
        return set()
    return {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}
