"""`run/services.json`: how other programs of this user find the running platform."""

import json
import os
from pathlib import Path

from embassy.platform.launcher.credentials import write_private
from embassy.platform.launcher.home import Home


def path(home: Home) -> Path:
    return home.run / "services.json"


def write(home: Home, env: dict[str, str]) -> None:
    """Say where everything is; only the owner may read it, for it holds passwords."""
    write_private(path(home), json.dumps({"pid": os.getppid(), "env": env}, indent=1))


def remove(home: Home) -> None:
    path(home).unlink(missing_ok=True)
