"""`python -m tests.fakes.program ACTION [ARGUMENT]`."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.fakes.program import preload


def report() -> int:
    """Print what the process sees of its surroundings."""
    print(
        json.dumps(
            {
                "env": dict(os.environ),
                "cwd": os.getcwd(),
                "argv": sys.argv[1:],
                "loaded": preload.loaded,
                "random": random.random(),
                "leads_session": os.getsid(0) == os.getpid(),
                "descriptors": sorted(os.listdir("/proc/self/fd"), key=int),
            }
        )
    )
    print("and to stderr", file=sys.stderr)
    return 0


def sleep(ready: Path) -> int:
    """Sleep until killed; say first that we are here."""
    ready.write_text(str(os.getpid()))
    time.sleep(600)
    return 0


def stubborn(ready: Path) -> int:
    """Like sleep, but SIGTERM does nothing."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return sleep(ready)


def polite(ready: Path) -> int:
    """Leave with code 7 on SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    return sleep(ready)


def family(ready: Path) -> int:
    """Start a grandchild and an orphan that each hide in a session of their own and ignore SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    hidden = subprocess.Popen(["sleep", "600"], start_new_session=True)
    orphan = subprocess.check_output(["sh", "-c", "setsid sleep 600 >/dev/null 2>&1 & echo $!"])
    ready.write_text(f"{os.getpid()} {hidden.pid} {int(orphan)}")
    time.sleep(600)
    return 0


def leave_family(ready: Path) -> int:
    """Start a hidden grandchild and exit with 3 at once."""
    hidden = subprocess.Popen(["sleep", "600"], start_new_session=True)
    ready.write_text(str(hidden.pid))
    return 3


def main(argv: list[str]) -> int:
    """Run the action; the exit code is its result."""
    action, *rest = argv
    if action == "exit":
        return int(rest[0])
    if action == "sys_exit":
        sys.exit(int(rest[0]))
    if action == "raise":
        raise ValueError("as asked")
    if action == "report":
        return report()
    actions = {
        "sleep": sleep,
        "stubborn": stubborn,
        "polite": polite,
        "family": family,
        "leave": leave_family,
    }
    return actions[action](Path(rest[0]))


if __name__ == "__main__":
    os.environ |= preload.ENVIRONMENT
    sys.exit(main(sys.argv[1:]))
