"""One launcher for one home."""

import fcntl
import os
from pathlib import Path
from typing import IO

from embassy.platform.launcher.errors import LaunchError


def take_lock(path: Path) -> IO[str]:
    """Hold the home until the returned file is closed in this process and in every fork of it.

    Raises LaunchError with the holder's process id where another launcher has it.
    """
    file = open(path, "a+")  # noqa: SIM115 - held for the life of the process
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise LaunchError(
            f"Embassy is already running (pid {holder}) on {path.parents[1]}. "
            "Stop that one first, or use another --home."
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
