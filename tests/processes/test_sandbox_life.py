"""How a sandbox begins and ends, and what is said where there is none."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from embassy.evaluation.sandbox import strength as strengths
from embassy.evaluation.sandbox.policy import Level, Limits, Policy
from embassy.evaluation.sandbox.sandbox import Sandbox, SandboxUnavailable
from embassy.evaluation.sandbox.worker import Code, Worker
from tests.processes.sandboxing import HONEST, LIMITS, sandboxed, source_of

pytestmark = pytest.mark.processes

ROOT = Path(__file__).resolve().parents[2]
CODE = Code(source_of("return 0.0"), "judge")
DEADLINE_S = 20.0

# Prints the process group of a sandbox that is busy for ever.
HOLDER = """
import sys, threading
from embassy.evaluation.sandbox.policy import Level, Limits, Policy
from embassy.evaluation.sandbox.sandbox import Sandbox
from embassy.evaluation.sandbox.worker import Code
source = "def judge(a, b, c):\\n    while a: pass\\n    return 0.5"
sandbox = Sandbox(Code(source, "judge"), limits=Limits(seconds=600), policy=Policy(wanted=Level(sys.argv[1])))
sandbox.call(("", "", ""))
print(sandbox._worker._process.pid, flush=True)
sandbox.call(("spin", "", ""))
"""


@pytest.fixture(autouse=True)
def _nothing_known() -> Iterator[None]:
    strengths.forget()
    yield
    strengths.forget()


def processes_of(group: int) -> list[int]:
    """Whatever runs as, or below, the process that leads the group."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(entry)] = int(fields[1])
    found = {group} & set(parents)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found)


def wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < deadline, f"{pids} still run"
        time.sleep(0.02)


def test_it_dies_with_a_parent_that_was_killed(level: Level) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, level], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout
        below = processes_of(int(holder.stdout.readline()))
        assert below
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    wait_until_gone(below)


def test_nothing_is_left_after_it_was_closed(level: Level) -> None:
    with sandboxed(CODE.source, level) as sandbox:
        sandbox.call(HONEST)
        assert sandbox._worker
        below = processes_of(sandbox._worker._process.pid)
        assert below
    wait_until_gone(below)


def test_the_same_process_scores_every_honest_row(level: Level) -> None:
    with sandboxed(CODE.source, level) as sandbox:
        sandbox.call(HONEST)
        first = sandbox._worker
        assert [sandbox.call(HONEST).value for _ in range(50)] == [0.5] * 50
        assert sandbox._worker is first


def test_no_descriptor_is_left_open(level: Level) -> None:
    def use() -> int:
        with sandboxed(source_of("import os; os._exit(1)"), level) as sandbox:
            sandbox.call(("attack", "", ""))
            sandbox.call(HONEST)
        return len(os.listdir("/proc/self/fd"))

    assert use() == use()


def test_strength_is_told(level: Level) -> None:
    found = strengths.strength(Policy(wanted=level))
    assert found.level is level
    assert "seccomp" in found.reason


def test_without_bubblewrap_it_falls_back_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strengths.shutil, "which", lambda name: None)
    found = strengths.strength(Policy())
    assert found.level is Level.BASIC
    assert found.reason.startswith("bubblewrap is not installed")


def test_bubblewrap_that_fails_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: Creating new namespace failed: No space left' >&2\nexit 1\n")
    broken.chmod(0o755)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder.is_relative_to("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o055)
    monkeypatch.setattr(strengths.shutil, "which", lambda name: str(broken))
    found = strengths.strength(Policy())
    assert found.level is Level.BASIC
    assert "bubblewrap cannot start: bwrap: Creating new namespace failed: No space left" in found.reason
    assert "user.max_user_namespaces" in found.reason


def test_who_insists_on_the_strong_sandbox_gets_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strengths.shutil, "which", lambda name: None)
    with pytest.raises(SandboxUnavailable, match="EMBASSY_SANDBOX=strong"):
        Sandbox(CODE, limits=LIMITS, policy=Policy(wanted=Level.STRONG))


def test_without_any_confinement_it_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strengths, "_try", lambda level, policy, bwrap: "the kernel has no Landlock")
    with pytest.raises(SandboxUnavailable, match=r"cannot be run here.*install bubblewrap"):
        Sandbox(CODE, limits=LIMITS, policy=Policy())


def test_without_any_confinement_it_runs_where_every_user_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strengths, "_try", lambda level, policy, bwrap: "the kernel has no Landlock")
    with Sandbox(CODE, limits=LIMITS, policy=Policy(allow_unconfined=True)) as sandbox:
        assert sandbox.call(HONEST).value == 0.5


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_root_runs_it_as_the_user_of_the_settings(level: Level) -> None:
    bwrap = strengths.strength(Policy(wanted=level)).bwrap
    worker = Worker(CODE, level=level, limits=Limits(), uid=54321, bwrap=bwrap)
    try:
        owners = {Path(f"/proc/{pid}").stat().st_uid for pid in processes_of(worker._process.pid)}
    finally:
        worker.kill()
    assert owners == {54321}
