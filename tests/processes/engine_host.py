"""One host that runs engines: supervisors in processes of their own, with the stand-in for the engine."""

import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from embassy.engines import selectors
from embassy.engines.models import Engine
from tests.waiting import PATIENCE_S, wait_for

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 60.0


@dataclass(frozen=True)
class EngineHost:
    """`stack` ends whatever is left."""

    home: Path
    stack: ExitStack

    @property
    def cache(self) -> Path:
        return self.home / "cache" / "vllm"

    def supervise(self, engine: Engine) -> "subprocess.Popen[bytes]":
        """A worker takes the engine."""
        arguments = [str(connection.settings_dict["NAME"]), str(self.home), str(engine.pk)]
        process = subprocess.Popen([sys.executable, "-m", "tests.fakes.engine_worker", *arguments], cwd=ROOT)
        self.stack.callback(end, process)
        return process

    def behave(self, manner: str) -> None:
        """How the stand-in behaves from now on; see tests/fakes/engine."""
        (self.cache / "manner").write_text(manner)

    def calls(self, word: str) -> list[str]:
        path = self.cache / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line.split()[1] for line in lines if line.split()[0] == word]

    def engine_pid(self) -> int:
        return int(self.calls("start")[-1])


def end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait(PATIENCE_S)


def wait_until(engine: Engine, status: str) -> None:
    def reached() -> bool:
        engine.refresh_from_db()
        return engine.status == status

    wait_for(reached, f"engine {status}")


def serves(engine: Engine) -> bool:
    return selectors.client_for(engine).is_healthy()


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in ("Z", "X")
