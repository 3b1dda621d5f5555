"""What a bare Python needs to start, and where our dependencies lie."""

import os
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

# Not the whole of /usr: images like to put the application itself there.
_SYSTEM = ("/usr/lib", "/usr/lib64", "/usr/share/zoneinfo", "/lib", "/lib64")
# openat() of these is all that the dynamic linker and Python do beyond the folders.
_FILES = ("/etc/ld.so.cache",)
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


@dataclass(frozen=True)
class Interpreter:
    """Paths without symbolic links, except that `system` has what the machine has (`/lib` → `usr/lib`)."""

    executable: str
    own: tuple[str, ...]  # outside the system's folders
    packages: tuple[str, ...]
    system: tuple[str, ...]

    @property
    def readable(self) -> tuple[str, ...]:
        return (*self.system, *self.own, *self.packages)


def find() -> Interpreter:
    """The interpreter below our virtual environment, with that environment's packages."""
    executable = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    own = {executable, *(os.path.realpath(path) for path in _libraries())}
    packages = {os.path.realpath(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")}
    return Interpreter(
        executable=executable,
        own=tuple(sorted(path for path in own if not _is_system(path))),
        packages=tuple(sorted(packages)),
        system=tuple(path for path in (*_SYSTEM, *_FILES) if os.path.exists(path)),
    )


def _libraries() -> list[str]:
    # The whole lib folder of a Python of its own: libpython and what else it links to lie beside the modules.
    return [str(Path(sys.base_prefix) / "lib"), sysconfig.get_path("stdlib")]


def _is_system(path: str) -> bool:
    return any(path.startswith(f"{folder}/") for folder in _SYSTEM) or path in _SYSTEM
