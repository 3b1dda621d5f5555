"""Stands in for the trainer: reads a spec, writes the same files in the same order, and learns nothing.

`script.json` in the run folder says what else happens, for the attempts that it names (default: all):
`epochs`, `steps` for each epoch, `wait_before_start` or `wait_after` an epoch (for the file `go`),
`hang_after` or `die_after` an epoch, `end` in place of the usual one; `deaf` hears no pause while it hangs;
`parity` are the answers that each export brings along.
"""

import fcntl
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from embassy.training.spec import PAUSE_SIGNAL, TrainingSpec, read_spec

EPOCHS = 3


class Trainer:
    def __init__(self, spec: TrainingSpec) -> None:
        self.spec, self.folder, self.seq = spec, Path(spec.run_dir), 0
        script = json.loads((self.folder / "script.json").read_text() or "{}") if self.has_script() else {}
        self.script = script if spec.attempt in script.get("attempts", [spec.attempt]) else {}
        self.steps = int(script.get("steps", 4))
        self.made = 0
        self.epochs = int(script.get("epochs", EPOCHS))

    def has_script(self) -> bool:
        return (self.folder / "script.json").exists()

    def emit(self, event: str, **fields: Any) -> None:
        self.seq += 1
        line = json.dumps({"seq": self.seq, "time": time.time(), "event": event, **fields}) + "\n"
        with self.spec.events_file.open("ab", buffering=0) as file:
            file.write(line.encode())

    def run(self) -> int:
        done = self.resumed()
        if self.script.get("wait_before_start"):
            (self.folder / "waiting").touch()
            self.wait()
        self.emit("started", resumed_from=done or None)
        self.emit("preflight", rows=Path(self.spec.data.train).read_text().count("\n"))
        if done:
            self.announce(done)
        for epoch in range(done + 1, self.epochs + 1):
            self.epoch(epoch)
        end = {"reason": "completed", "code": "completed", "message": "Training completed."}
        self.emit("end", **self.script.get("end", end))
        return 0

    def epoch(self, epoch: int) -> None:
        for step in range(max(self.made, (epoch - 1) * self.steps) + 1, epoch * self.steps + 1):
            progress = step / (self.epochs * self.steps)
            self.emit("step", step=step, epoch=step / self.steps, loss=3.0 / step, progress=progress)
        self.save(epoch * self.steps, epoch)
        self.export(epoch)
        self.announce(epoch)
        if self.script.get("die_after") == epoch:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.script.get("wait_after") == epoch:
            self.wait()
        if self.script.get("hang_after") == epoch:
            self.hang(epoch)

    def hang(self, epoch: int) -> None:
        """Until the end, or a pause: then one more step is made, and the state saved."""
        if self.script.get("deaf"):
            signal.signal(PAUSE_SIGNAL, signal.SIG_IGN)
        else:
            signal.pthread_sigmask(signal.SIG_BLOCK, [PAUSE_SIGNAL])
        (self.folder / "hanging").write_text(str(os.getpid()))
        signal.sigwait([PAUSE_SIGNAL])
        step = epoch * self.steps + 1
        self.emit("step", step=step, epoch=step / self.steps, loss=3.0 / step, progress=0.5)
        self.save(step, epoch)
        self.emit("end", reason="paused", code="paused", message="Training was paused.")
        sys.exit(0)

    def save(self, step: int, epoch: int) -> None:
        checkpoint = self.spec.checkpoints_dir / f"checkpoint-{step}"
        checkpoint.mkdir(parents=True, exist_ok=True)
        (checkpoint / "training_args.bin").write_bytes(b"a pickle")
        (checkpoint / "trainer_state.json").write_text(json.dumps({"epoch": epoch, "step": step}))

    def wait(self) -> None:
        while not (self.folder / "go").exists():
            time.sleep(0.05)

    def export(self, epoch: int) -> None:
        folder = self.spec.exports_dir / str(epoch)
        partial = folder.with_name(f".{epoch}.partial")
        partial.mkdir(parents=True, exist_ok=True)
        files = {
            "adapter_config.json": {"r": self.spec.parameters.lora_r},
            "prompt_format.json": {"prefix": "<u>", "suffix": "<a>"},
            "evidence.json": {"step": epoch * self.steps, "merged": False, "metrics": {"loss": 1.0 / epoch}},
        }
        if "parity" in self.script:
            files["parity.json"] = self.script["parity"]
        for name, document in files.items():
            (partial / name).write_text(json.dumps(document))
        (partial / "adapter_model.safetensors").write_bytes(b"weights %d" % epoch)
        if not folder.exists():
            partial.rename(folder)

    def announce(self, epoch: int) -> None:
        path = str(self.spec.exports_dir / str(epoch))
        self.emit("checkpoint", number=epoch, step=epoch * self.steps, export=path)

    def resumed(self) -> int:
        files = self.spec.checkpoints_dir.glob("checkpoint-*/trainer_state.json")
        states = [json.loads(file.read_text()) for file in files]
        self.made = max((int(state["step"]) for state in states), default=0)
        return max((int(state["epoch"]) for state in states), default=0)


def main(argv: list[str]) -> int:
    spec = read_spec(argv[0])
    with (Path(spec.run_dir) / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return Trainer(spec).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
