"""Stands in for the merging program: reads a spec, writes a folder, and merges nothing.

`merger.json` beside the folders of all merges says what else happens, for attempts up to `until`: it hangs
before its work (`hang`), or fails (`outcome`). The attempt is the number at the end of the folder's name.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from embassy.training.merge_spec import MergeOutcome, MergeSpec, read_spec, write


def main(argv: list[str]) -> int:
    spec = read_spec(Path(argv[0]))
    script = _script(spec)
    if script.get("hang"):
        (Path(spec.target).parent.parent / "hanging").write_text(str(os.getpid()))
        signal.pause()
    if "outcome" in script:
        write(MergeOutcome(**script["outcome"]), Path(spec.outcome))
        return 1
    target = Path(spec.target)
    target.mkdir()
    (target / "model.safetensors").write_bytes(b"merged")
    facts = {"task": "text-generation", "technique": "SFT", "base": {"name": "tiny"}, "job_id": "tr-1"}
    (target / "evidence.json").write_text(json.dumps({**facts, "checkpoint": 1, "step": 10, "merged": False}))
    write(MergeOutcome(), Path(spec.outcome))
    return 0


def _script(spec: MergeSpec) -> dict[str, Any]:
    folder = Path(spec.target).parent
    path = folder.parent.with_name("merger.json")
    if not path.exists():
        return {}
    script: dict[str, Any] = json.loads(path.read_text())
    return script if int(folder.name.rpartition("-")[2]) <= script.get("until", 1000) else {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
