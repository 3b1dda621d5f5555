"""All that the merging program is told, and its answer. Pure; both sides import it. Paths are absolute."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class MergeSpec:
    """`base` and `adapter` are folders; `target` must not exist, and appears whole or not at all.

    `outcome` is the file for a MergeOutcome.
    """

    base: str
    adapter: str
    target: str
    outcome: str


@dataclass(frozen=True, kw_only=True)
class MergeOutcome:
    """`code` is empty if all went well; `message` says what is wrong. `final`: it would fail again."""

    code: str = ""
    message: str = ""
    final: bool = False


def write(document: MergeSpec | MergeOutcome, path: Path) -> None:
    path.write_text(json.dumps(asdict(document), indent=2) + "\n", encoding="utf-8")


def read_spec(path: Path) -> MergeSpec:
    return MergeSpec(**json.loads(path.read_text(encoding="utf-8")))


def read_outcome(path: Path) -> MergeOutcome | None:
    """None if the program ended without a word."""
    return MergeOutcome(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None
