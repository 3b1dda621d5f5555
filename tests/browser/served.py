"""The web process as production starts it, on the rows of the tests."""

import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.processes.web_server import ROOT, start_web


@dataclass(frozen=True)
class Served:
    url: str
    home: Path

    @property
    def settings(self) -> dict[str, Any]:
        """What tests must have in common with it."""
        return {"STORAGE_DIR": self.home / "files", "PUBLIC_URL": self.url}


def serve(stack: ExitStack, home: Path) -> Served:
    """Its objects are in `home`/files; `stack` ends it."""
    environment = {"EMBASSY_HOME": str(home)}
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--no-input", "-v", "0"],
        cwd=ROOT,
        env=os.environ | environment,
        check=True,
    )
    return Served(start_web(stack, **environment).url, home)
