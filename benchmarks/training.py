"""How long a training job takes, from the request to Success, against a plain TRL script.

    python -m benchmarks.training [--rounds N] [--sizes short,long]

Starts a platform of its own. Platform and script train the shipped base model on the same rows of the sample
tickets with the same settings on one thread, save each epoch, and take turns, so that a busy machine slows
both alike. The job has no test rows, so nothing is scored. Prints one JSON object; for each size:

    job, script              wall seconds: POST to Success, start to end of the script's process
    waiting, training, testing   what the job's seconds were spent in: Pending, Running, Testing
    job_step, script_step    median milliseconds between the steps of an epoch
    job_to_script, …         ratios of the medians (below 1: ours is faster)
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from embassy.platform.launcher.testing import await_services, launched, temporary_home
from embassy.training.spec import SftParameters

ROOT = Path(__file__).resolve().parents[1]
BASE = ROOT / "models" / "tiny-llama-instruct"
SAMPLES = ROOT / "samples" / "support-tickets" / "train.jsonl"
FINAL = {"Success", "Failed", "TimedOut", "Cancelled"}
LOOK_SECONDS = 0.1
START_SECONDS, JOB_SECONDS = 120.0, 600.0

THREADS = 1  # what the platform takes for so small a model
STATED = ("learning_rate", "num_train_epochs", "per_device_train_batch_size", "max_length")

Timing = dict[str, float]
Event = dict[str, Any]
Row = dict[str, str]


@dataclass(frozen=True)
class Size:
    rows: int
    epochs: int

    @property
    def parameters(self) -> SftParameters:
        return SftParameters(
            learning_rate=3e-3,
            num_train_epochs=self.epochs,
            per_device_train_batch_size=16,
            max_length=256,
        )

    @property
    def samples(self) -> list[Row]:
        return [json.loads(line) for line in SAMPLES.read_text().splitlines()[: self.rows]]


SIZES = {"short": Size(rows=64, epochs=2), "long": Size(rows=400, epochs=4)}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", default=",".join(SIZES))
    options = parser.parse_args(argv)
    sizes = {name: SIZES[name] for name in options.sizes.split(",")}
    timings: dict[str, list[Timing]] = {name: [] for name in sizes}
    with platform() as (client, home):
        for number in range(options.rounds):
            for name, size in sizes.items():
                timings[name].append(one_round(client, home / f"script-{name}-{number}", size))
                print(name, json.dumps(timings[name][-1]), file=sys.stderr, flush=True)
    print(json.dumps({name: summary(rounds) for name, rounds in timings.items()}, indent=2))
    return 0


def one_round(client: httpx.Client, folder: Path, size: Size) -> Timing:
    timing, events = job(client, size)
    [started] = [event for event in events if event["event"] == "started"]
    return timing | script(folder, size, bf16=started["details"]["precision"] == "bf16")


# --- the platform ---------------------------------------------------------------------------------


@contextmanager
def platform() -> Iterator[tuple[httpx.Client, Path]]:
    """A client of a platform that holds a trainer ready and has trained once; and a folder to write in."""
    with (
        temporary_home() as home,
        launched(
            home,
            "--port",
            str(free_port()),
            "--quiet",
            env={"EMBASSY_ADMIN_EMAIL": "admin@localhost.localdomain"},
        ) as process,
    ):
        env = await_services(home, process)
        wait_until(lambda: is_ready(env["EMBASSY_URL"]), "the platform answers", START_SECONDS)
        wait_until(Path(env["EMBASSY_TRAINING_STANDBY"]).exists, "a trainer is ready", START_SECONDS)
        headers = {"X-API-Key": (home / "first-api-key").read_text().strip()}
        with httpx.Client(base_url=env["EMBASSY_URL"], headers=headers, timeout=60) as client:
            job(client, SIZES["short"])
            yield client, home


def job(client: httpx.Client, size: Size) -> tuple[Timing, list[Event]]:
    """Train over the API. Raises SystemExit if the job does not succeed."""
    address, body = prepare(client, size)
    asked = time.time()
    created = answered(client.post(address, json=body))
    address = f"{address}/{created['id']}"
    wait_until(lambda: answered(client.get(address))["status"] in FINAL, "the job ends", JOB_SECONDS)
    events = answered(client.get(f"{address}/events", params={"limit": 5000}))
    moves = {e["details"]["status"]: e["time"] for e in events if e["event"] == "status"}
    if "Success" not in moves:
        raise SystemExit(f"the job ended as {moves}")
    timing = {
        "job": moves["Success"] - asked,
        "waiting": moves["Running"] - asked,
        "training": moves["Testing"] - moves["Running"],
        "testing": moves["Success"] - moves["Testing"],
        "job_step": step_milliseconds(
            [e["time"] for e in events if e["event"] == "step"],
            [e["details"]["step"] for e in events if e["event"] == "checkpoint"],
        ),
    }
    return timing, events


def prepare(client: httpx.Client, size: Size) -> tuple[str, dict[str, Any]]:
    """The address to ask for the job at, and what to ask."""
    project = answered(client.post("/v1/projects", json={"name": f"benchmark {time.time_ns()}"}))["id"]
    content = "".join(json.dumps(row) + "\n" for row in size.samples)
    path = f"/v1/projects/{project}/datasets"
    dataset = answered(
        client.post(path, files={"file": ("tickets.jsonl", content)}, data={"name": "tickets"})
    )
    return f"/v1/projects/{project}/training-jobs", {
        "base_model": BASE.name,
        "train_dataset_id": dataset["id"],
        "parameters": {name: getattr(size.parameters, name) for name in STATED},
    }


def answered(answer: httpx.Response) -> Any:
    if answer.is_error:
        raise SystemExit(f"{answer.request.url}: {answer.status_code} {answer.text}")
    return answer.json()


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5).is_success
    except httpx.HTTPError:
        return False


# --- the script -----------------------------------------------------------------------------------


def script(run_dir: Path, size: Size, *, bf16: bool) -> Timing:
    run_dir.mkdir()
    settings = {
        "base": str(BASE),
        "train": str(write_rows(run_dir / "train.jsonl", size.samples)),
        "output": str(run_dir / "out"),
        "times": str(run_dir / "times.json"),
        "threads": THREADS,
        "bf16": bf16,
        "parameters": asdict(size.parameters),
    }
    path = run_dir / "settings.json"
    path.write_text(json.dumps(settings))
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(run_dir / "cache")}
    clock = time.perf_counter()
    with (run_dir / "log").open("w") as log:
        command = [sys.executable, "-m", "benchmarks.plain_trl", str(path)]
        subprocess.run(command, cwd=ROOT, env=environment, stdout=log, stderr=log, check=True)
    wall = time.perf_counter() - clock
    times = json.loads((run_dir / "times.json").read_text())
    per_epoch = len(times) // size.epochs
    edges = range(per_epoch, len(times) + 1, per_epoch)
    return {"script": wall, "script_step": step_milliseconds(times, edges)}


def write_rows(path: Path, rows: Iterable[Row]) -> Path:
    with path.open("w") as file:
        for row in rows:
            turns = [
                {"role": "user", "content": row["prompt"]},
                {"role": "assistant", "content": row["completion"]},
            ]
            file.write(json.dumps({"messages": turns}) + "\n")
    return path


# --- figures --------------------------------------------------------------------------------------


def step_milliseconds(times: Sequence[float], last_of_epochs: Iterable[int]) -> float:
    """The median from one step to the next; what lies between two epochs, such as saving, is left out."""
    edges = set(last_of_epochs)
    gaps = [
        later - earlier for step, (earlier, later) in enumerate(pairwise(times), start=1) if step not in edges
    ]
    return 1000 * median(gaps)


def summary(rounds: Sequence[Timing]) -> dict[str, Any]:
    medians = {name: median(timing[name] for timing in rounds) for name in rounds[0]}
    return {
        "rounds": {name: [round(timing[name], 2) for timing in rounds] for name in medians},
        "median": {name: round(value, 2) for name, value in medians.items()},
        "job_to_script": round(medians["job"] / medians["script"], 3),
        "job_step_to_script_step": round(medians["job_step"] / medians["script_step"], 3),
    }


def wait_until(look: Callable[[], bool], what: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {seconds:g} s: {what}")
        time.sleep(LOOK_SECONDS)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
