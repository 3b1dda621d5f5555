"""The command line of a sandbox. Pure."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from embassy.evaluation.sandbox.interpreter import DEVICES, Interpreter
from embassy.evaluation.sandbox.policy import Level, Limits

HERE = Path(__file__).resolve().parent
GUEST = str(HERE / "guest")
_LAUNCHER = str(HERE / "launch.py")
_HOME_INSIDE = "/sandbox"
SCRATCH = "/tmp"  # noqa: S108 (a file system of its own)

# One thread each: the machine has other work, and each thread's stack counts as memory.
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": SCRATCH,
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}


def home_of(level: Level) -> str:
    """The folder in which the guest program lies, as the guest sees it."""
    return _HOME_INSIDE if level is Level.STRONG else str(HERE)


def command(
    level: Level, interpreter: Interpreter, limits: Limits, *, bwrap: str | None, uid: int | None
) -> list[str]:
    """What to execute; `uid` is whom to become first, if we are root."""
    arguments = _guest(level, interpreter)
    if level is Level.STRONG:
        assert bwrap is not None
        arguments = [bwrap, *_namespaces(), *_files(interpreter, limits), "--", *arguments]
    if uid is None:
        return arguments
    orders = {"uid": uid, "paths": [*interpreter.own, *interpreter.packages, GUEST], "command": arguments}
    return [interpreter.executable, "-I", "-S", _LAUNCHER, json.dumps(orders)]


def _guest(level: Level, interpreter: Interpreter) -> list[str]:
    start = f"import sys; sys.path.insert(0, {home_of(level)!r}); from guest.main import main; main()"
    return [interpreter.executable, "-I", "-S", "-B", "-c", start]


def _namespaces() -> list[str]:
    return [
        *("--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"),
        *("--unshare-cgroup-try", "--hostname", "sandbox", "--cap-drop", "ALL"),
        *("--die-with-parent", "--new-session", "--clearenv"),
        *(word for name, value in ENVIRONMENT.items() for word in ("--setenv", name, value)),
    ]


def _files(interpreter: Interpreter, limits: Limits) -> list[str]:
    """No /proc and no /sys: nothing that scores text needs them."""
    own = [word for path in interpreter.own for word in ("--ro-bind", path, path)]
    packages = [word for path in interpreter.packages for word in ("--ro-bind", path, path)]
    devices = [word for path in DEVICES for word in ("--dev-bind", path, path)]
    return [
        *_system(interpreter.system),
        # Before the rest: Python may lie below /tmp, and a file system on top would hide it.
        *("--size", str(limits.scratch_mb << 20), "--tmpfs", SCRATCH),
        *own,
        *packages,
        *("--ro-bind", GUEST, f"{_HOME_INSIDE}/guest"),
        *devices,
        *("--remount-ro", "/", "--chdir", SCRATCH),
    ]


def _system(paths: Sequence[str]) -> list[str]:
    """On a merged system /lib is a link into /usr, and stays one."""
    words: list[str] = []
    for path in paths:
        if os.path.islink(path):
            words += ["--symlink", os.readlink(path), path]
        else:
            words += ["--ro-bind", path, path]
    return words
