"""How the code of users is confined, and how much it may use. Plain values: no settings are read here."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    STRONG = "strong"  # namespaces, Landlock where the kernel has it, seccomp
    BASIC = "basic"  # Landlock and seccomp
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Policy:
    """`wanted` is a level to insist on, or None for the strongest that this machine has.

    `allow_unconfined` runs user code as an ordinary child process where there is neither. `uid` is whom
    the sandbox runs as if the platform is root.
    """

    wanted: Level | None = None
    allow_unconfined: bool = False
    uid: int = 65534


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Of one function. Times in seconds, sizes in MiB."""

    seconds: float = 5.0  # one call
    start_seconds: float = 60.0  # Python, and importing the dependencies
    memory_mb: int = 1024
    scratch_mb: int = 64  # files in /tmp, in the strong sandbox; the basic one lets nothing be written
    file_mb: int = 16
    cpu_seconds: int = 300  # one process, which scores for MAX_AGE_S at most
    threads: int = 64
    open_files: int = 64
    output_characters: int = 4000  # of what it prints

    def as_resource_limits(self) -> dict[str, int]:
        return {
            "memory_bytes": self.memory_mb << 20,
            "file_bytes": self.file_mb << 20,
            "cpu_seconds": self.cpu_seconds,
            "threads": self.threads,
            "open_files": self.open_files,
        }
