"""Engines of the tests' own, without a worker: vLLM on the shipped model, reached by its client."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embassy.engines.client import EngineClient
from embassy.engines.command import PROGRAM, EngineOptions, engine_command
from embassy.platform.children import Child, start_child
from embassy.platform.forkserver import linux
from tests.e2e.live import ROOT, free_port
from tests.waiting import wait_for

TINY = ROOT / "models" / "tiny-llama-instruct"
CONTEXT = 512
KEY = "engine-key"  # what the routes that tests make say
START_S = 180.0


@dataclass
class Engine:
    """A running one; its `child` is to be closed."""

    child: Child
    client: EngineClient
    folder: Path
    log: Path

    def processes(self) -> list[int]:
        return [self.child.pid, *linux.descendants(self.child.pid)]


def start_engine(folder: Path, standby: Path | None, **changes: Any) -> Engine:
    """Returns when it answers; `changes` are options that differ from a small generating engine's."""
    (folder / "engine").mkdir(parents=True)
    client = EngineClient("127.0.0.1", free_port(), KEY)
    values: dict[str, Any] = {
        "model": TINY,
        "kind": "generate",
        "device": "cpu",
        "dtype": "float32",
        "max_model_len": CONTEXT,
        "kv_cache_bytes": 32 * 2**20,
    }
    options = EngineOptions(
        **(values | changes),
        folder=folder / "engine",
        cache=folder / "cache",
        host=client.host,
        port=client.port,
        api_key=client.api_key,
    )
    command = engine_command(options)
    log = folder / "log"
    child = start_child(
        program=PROGRAM, argv=command.argv, env=command.env, cwd=options.folder, log=log, standby=standby
    )

    def is_ready() -> bool:
        assert child.poll() is None, log.read_text()[-4000:]
        return client.is_ready("base")

    wait_for(is_ready, "the engine to be ready", seconds=START_S)
    return Engine(child, client, options.folder, log)
