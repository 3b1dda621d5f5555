"""How long a user waits for an engine: `python -m benchmarks.engine_start [--rounds N]`, prints JSON.

Measured from the decision to start to the first token received: an engine from the standby, a cold engine,
and an adapter loaded into a running engine. The kinds take turns, so that a busy moment hits them alike.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from embassy.engines.client import EngineClient
from embassy.engines.command import PROGRAM, EngineOptions, engine_command
from embassy.platform.children import Child, start_child

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "models" / "tiny-llama-instruct"
PROMPT = "The capital of France is"
DEADLINE_S = 300.0

GOALS_S = {"standby_to_first_token": 3.0, "adapter_to_first_token": 0.5}


@contextmanager
def running_standby(folder: Path) -> Iterator[tuple[Path, float]]:
    """A standby's socket and how long it took to be ready, in seconds."""
    path = folder / "s"
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "embassy.platform.forkserver", "--socket", str(path), "--program", PROGRAM],
        cwd=ROOT,
    )
    try:
        while not path.exists():
            if process.poll() is not None or time.monotonic() > begun + DEADLINE_S:
                sys.exit("the standby did not start")
            time.sleep(0.01)
        yield path, time.monotonic() - begun
    finally:
        process.terminate()
        process.wait()


def start(folder: Path, standby: Path | None, cache: Path) -> tuple[Child, EngineClient]:
    """Begin to start an engine; returns at once."""
    folder.mkdir()
    client = EngineClient("127.0.0.1", free_port(), "benchmark")
    options = EngineOptions(
        model=MODEL,
        kind="generate",
        device="cpu",
        dtype="float32",
        max_model_len=1024,
        folder=folder,
        cache=cache,
        host=client.host,
        port=client.port,
        api_key=client.api_key,
        kv_cache_bytes=32 * 2**20,
    )
    command = engine_command(options)
    child = start_child(
        program=PROGRAM,
        argv=command.argv,
        env=command.env,
        cwd=folder,
        log=folder.with_suffix(".log"),
        standby=standby,
    )
    return child, client


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def first_token(child: Child, client: EngineClient, model: str = "base") -> None:
    """Return when the engine has produced a token."""
    deadline = time.monotonic() + DEADLINE_S
    while not client.is_ready(model):
        if child.poll() is not None or time.monotonic() > deadline:
            sys.exit("the engine did not start")
        time.sleep(0.01)
    client.complete(model, [PROMPT], parameters={"max_tokens": 1})


def write_adapter(folder: Path, seed: int) -> Path:
    """A rank 16 adapter with random weights in all attention outputs."""
    numbers = np.random.default_rng(seed)
    tensors = {}
    for layer in range(4):
        module = f"base_model.model.model.layers.{layer}.self_attn.o_proj"
        tensors[f"{module}.lora_A.weight"] = numbers.normal(0, 0.1, (16, 256)).astype(np.float32)
        tensors[f"{module}.lora_B.weight"] = numbers.normal(0, 0.1, (256, 16)).astype(np.float32)
    folder.mkdir()
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 16, "lora_alpha": 32}
    (folder / "adapter_config.json").write_text(json.dumps(config | {"target_modules": ["o_proj"]}))
    save_file(tensors, folder / "adapter_model.safetensors")
    return folder


def measure_start(folder: Path, standby: Path | None, cache: Path) -> float:
    """Seconds from nothing to the first token; the engine is gone afterwards."""
    begun = time.monotonic()
    child, client = start(folder, standby, cache)
    with child:
        first_token(child, client)
        return time.monotonic() - begun


def measure_adapter(child: Child, client: EngineClient, adapter: Path) -> float:
    """Seconds from the call to load to the adapter's first token."""
    begun = time.monotonic()
    client.load_adapter(adapter.name, adapter)
    client.complete(adapter.name, [PROMPT], parameters={"max_tokens": 1})
    return time.monotonic() - begun


def summary(seconds: list[float]) -> dict[str, Any]:
    """Median, worst and all values, in seconds."""
    return {
        "median_s": round(statistics.median(seconds), 3),
        "worst_s": round(max(seconds), 3),
        "all_s": [round(value, 3) for value in seconds],
    }


def run(folder: Path, rounds: int) -> dict[str, Any]:
    """All measurements."""
    times: dict[str, list[float]] = {"standby_to_first_token": [], "adapter_to_first_token": []}
    cold = measure_start(folder / "cold", None, folder / "cache")
    with running_standby(folder) as (standby, standby_s):
        child, client = start(folder / "engine", standby, folder / "cache")
        with child:
            first_token(child, client)
            for number in range(rounds):
                own = folder / f"engine-{number}"
                times["standby_to_first_token"].append(measure_start(own, standby, folder / "cache"))
                adapter = write_adapter(folder / f"adapter-{number}", number)
                times["adapter_to_first_token"].append(measure_adapter(child, client, adapter))
    measured = {name: summary(values) for name, values in times.items()}
    for name, goal in GOALS_S.items():
        measured[name] |= {"goal_s": goal, "met": measured[name]["median_s"] <= goal}
    return {
        "load_average": os.getloadavg()[0],
        "cores": os.cpu_count(),
        "standby_ready_s": round(standby_s, 3),
        "cold_to_first_token_s": round(cold, 3),
        **measured,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="em-"))
    try:
        print(json.dumps(run(folder, options.rounds), indent=2))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
