"""The environment mark by which the launcher finds its processes again.

A mark survives `setsid` and a dead parent, which process groups and parent ids do not. A program that
starts others with an environment of its own must pass `carried(os.environ)` on.
"""

from collections.abc import Mapping
from pathlib import Path

HOME = "EMBASSY_LAUNCHER_HOME"
SERVICE = "EMBASSY_LAUNCHER_SERVICE"


def mark(home: Path, service: str) -> dict[str, str]:
    """The variables that say: this process belongs to `service` of the platform at `home`."""
    return {HOME: str(home), SERVICE: service}


def carried(environ: Mapping[str, str]) -> dict[str, str]:
    """The part of `environ` that every process of the platform hands to its children."""
    return {name: environ[name] for name in (HOME, SERVICE) if name in environ}
