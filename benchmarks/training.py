"""How long a training job takes, from the request to the end, against a plain TRL script.

    python -m benchmarks.training [--rounds N] [--rows N]

Both train the shipped base model on the same rows with the same settings on one thread, and save each
epoch. Ours runs from the standby, as the platform does, and cold. The runs are interleaved, so that a busy
machine slows all of them alike. Prints one JSON object: the wall seconds of every run, the seconds to the
first step of ours, and the medians' ratios to the script (below 1: ours is faster).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import Any

from embassy.platform.children import start_child
from embassy.training.spec import (
    BaseModel,
    DataFiles,
    SftParameters,
    Task,
    Technique,
    TrainingSpec,
    write_spec,
)

ROOT = Path(__file__).resolve().parents[1]
BASE = ROOT / "models" / "tiny-llama-instruct"
PROGRAM = "embassy.training.runner"
THREADS = 1
COLOURS = ("red", "blue", "green", "black")
PARAMETERS = SftParameters(
    learning_rate=3e-3, num_train_epochs=2, per_device_train_batch_size=16, max_length=256
)

Timing = dict[str, float]


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=64)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="em-") as folder, standby(Path(folder) / "s") as socket:
        train = write_rows(Path(folder) / "train.jsonl", options.rows)
        timings = [one_round(Path(folder) / str(number), train, socket) for number in range(options.rounds)]
    print(json.dumps(summary(timings), indent=2))
    return 0


def one_round(folder: Path, train: Path, socket: Path) -> Timing:
    folder.mkdir()
    timing = {}
    timing["standby"], timing["standby_first_step"] = ours(folder / "standby", train, socket)
    timing["script"] = script(folder / "script", train, bf16=_used_bf16(folder / "standby"))
    timing["cold"], timing["cold_first_step"] = ours(folder / "cold", train, None)
    return timing


def ours(run_dir: Path, train: Path, socket: Path | None) -> tuple[float, float]:
    """Seconds to the end and to the first step."""
    run_dir.mkdir()
    spec = make_spec(run_dir, train)
    path = run_dir / "spec.json"
    write_spec(spec, path)
    began, clock = time.time(), time.perf_counter()
    log = run_dir / "log"
    with start_child(
        program=PROGRAM, argv=[str(path)], env={}, cwd=run_dir, log=log, standby=socket
    ) as child:
        code = child.wait(600)
    wall = time.perf_counter() - clock
    if code:
        raise SystemExit(log.read_text())
    first = next(event for event in read_events(run_dir) if event["event"] == "step")
    return wall, first["time"] - began


def script(run_dir: Path, train: Path, *, bf16: bool) -> float:
    """Seconds of the plain script."""
    run_dir.mkdir()
    settings = {
        "base": str(BASE),
        "train": str(train),
        "output": str(run_dir / "out"),
        "threads": THREADS,
        "bf16": bf16,
        "parameters": asdict(PARAMETERS),
    }
    path = run_dir / "settings.json"
    path.write_text(json.dumps(settings))
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(run_dir / "cache")}
    clock = time.perf_counter()
    with (run_dir / "log").open("w") as log:
        command = [sys.executable, "-m", "benchmarks.plain_trl", str(path)]
        subprocess.run(command, cwd=ROOT, env=environment, stdout=log, stderr=log, check=True)
    return time.perf_counter() - clock


def summary(timings: list[Timing]) -> dict[str, Any]:
    medians = {name: round(median(timing[name] for timing in timings), 2) for name in timings[0]}
    return {
        "seconds": {name: [round(timing[name], 2) for timing in timings] for name in medians},
        "median": medians,
        "ratio_standby_to_script": round(medians["standby"] / medians["script"], 3),
        "ratio_cold_to_script": round(medians["cold"] / medians["script"], 3),
    }


@contextmanager
def standby(path: Path) -> Iterator[Path]:
    command = [
        sys.executable,
        "-m",
        "embassy.platform.forkserver",
        "--socket",
        str(path),
        "--program",
        PROGRAM,
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not path.exists():
            if process.poll() is not None:
                raise SystemExit("the standby did not start")
            time.sleep(0.05)
        yield path
    finally:
        process.terminate()
        process.wait()


def make_spec(run_dir: Path, train: Path) -> TrainingSpec:
    spec = TrainingSpec(
        job_id="tr-benchmark",
        attempt=1,
        technique=Technique.SFT,
        task=Task.TEXT_GENERATION,
        run_dir=str(run_dir),
        base=BaseModel(path=str(BASE), name=BASE.name),
        data=DataFiles(train=str(train), train_sha256=""),
        parameters=PARAMETERS,
    )
    return replace(spec, threads=THREADS, device="cpu")


def write_rows(path: Path, count: int) -> Path:
    with path.open("w") as file:
        for number in range(count):
            colour = COLOURS[number % len(COLOURS)]
            question, answer = f"Ticket {number}: my {colour} parcel is late.", f"queue-{colour}"
            turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
            file.write(json.dumps({"messages": turns}) + "\n")
    return path


def read_events(run_dir: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run_dir / "events-1.jsonl").read_text().splitlines()]


def _used_bf16(run_dir: Path) -> bool:
    return bool(read_events(run_dir)[0]["precision"] == "bf16")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
