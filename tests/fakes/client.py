"""A client to be killed: starts a child of the fake program and waits. SOCKET|- ACTION READY LOG."""

import sys
from pathlib import Path

from embassy.platform.children import start_child


def main(standby: str, action: str, ready: str, log: str) -> None:
    """Hold the child until we are killed."""
    start_child(
        program="tests.fakes.program",
        argv=[action, ready],
        env={},
        cwd=Path(ready).parent,
        log=Path(log),
        standby=None if standby == "-" else Path(standby),
        grace_s=0.2,
    ).wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
