"""The preflight of the API and that of the trainer tell the same of the same rows."""

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training import preflight, services
from embassy.training.requests import JobRequest
from embassy.training.spec import TrainingSpec, read_spec
from embassy.training.supervisor.folder import RunFolder
from tests.e2e.runner.runs import Event, Trainer, wait_for
from tests.factories.datasets import jsonl_bytes, make_dataset

pytestmark = pytest.mark.e2e

LONG = "Tell me of it all. " * 40
COLOURS = ("red", "blue")


def prompts() -> list[dict[str, Any]]:
    return [
        *({"prompt": f"Which colour has {n}?", "completion": COLOURS[n % 2]} for n in range(14)),
        {"prompt": LONG, "completion": "red"},
        {"prompt": "Short?", "completion": LONG},
        {"messages": conversation()},
    ]


def conversation() -> list[dict[str, str]]:
    texts = ("Hello.", "Hello!", "What is ü < 1?", "red")
    roles = ("system", "user", "assistant", "user", "assistant")
    return [{"role": r, "content": t} for r, t in zip(roles, ("Be brief.", *texts), strict=True)]


def labelled() -> list[dict[str, Any]]:
    return [{"prompt": f"Which {n}? " + "word " * n, "completion": COLOURS[n % 2]} for n in range(60, 80)]


def numbered() -> list[dict[str, Any]]:
    return [{"prompt": "one " * n, "completion": str(n)} for n in range(1, 20)]


def preferences() -> list[dict[str, Any]]:
    return [
        *({"prompt": f"Say {n}.", "chosen": f"{n}!", "rejected": "no"} for n in range(12)),
        {"prompt": "Say more.", "chosen": LONG, "rejected": "no"},
        {"prompt": LONG, "chosen": "yes", "rejected": "no"},
    ]


def pairs() -> list[dict[str, Any]]:
    return [{"text1": f"The {n} cats", "text2": "A dog " * (1 + 30 * n), "score": n / 12} for n in range(12)]


GRPO = {
    "technique": "GRPO",
    "test_functions": ("exact_match_shared",),
    "reward": {"exact_match_shared": 1.0},
    "parameters": {
        "max_length": 96,
        "max_completion_length": 8,
        "per_device_train_batch_size": 8,
        "num_generations": 4,
    },
}
CASES: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "SFT": (prompts(), {}),
    "SFT of every weight": (prompts(), {"parameters": {"full_fine_tuning": True, "max_length": 96}}),
    "DPO": (preferences(), {}),
    "GRPO": (prompts(), GRPO),
    "classification": (labelled(), {"task_type": "classification"}),
    "regression": (numbered(), {"task_type": "regression"}),
    "embedding": (pairs(), {"task_type": "embedding", "base_model": "all-MiniLM-L6-v2"}),
}
SAME = ("rows", "trainable_rows", "truncated_rows", "untrainable_rows", "tokens", "steps_per_epoch")


@pytest.mark.parametrize("name", CASES)
def test_both_tell_the_same(
    trainer: Trainer, project: Project, actor: Actor, settings: Settings, tmp_path: Path, name: str
) -> None:
    rows, changes = CASES[name]
    settings.RUNS_DIR = tmp_path / "runs"
    dataset = make_dataset(
        project=project, actor=actor, content=jsonl_bytes(rows), file_name="rows.jsonl", name="rows"
    )
    fields = {"base_model": "tiny-llama-instruct", "parameters": {"max_length": 96}, **changes}
    request = JobRequest(train_dataset_id=dataset.public_id, **fields)

    expected = preflight.estimate(project=project, request=request, actor=actor)
    told = told_by_the_trainer(trainer, spec_of(project, request, actor))

    assert expected.train is not None
    assert expected.memory is not None
    found = expected.train
    assert {name: told[name] for name in SAME} == {
        "rows": found.total,
        "trainable_rows": found.trainable,
        "truncated_rows": found.truncated,
        "untrainable_rows": found.untrainable,
        "tokens": dict(found.tokens),
        "steps_per_epoch": expected.steps_per_epoch,
    }
    assert told["untrainable"] == [{"line": p.line, "problem": p.code} for p in found.problems]
    assert told["memory"]["parts"] == expected.memory.parts


def spec_of(project: Project, request: JobRequest, actor: Actor) -> TrainingSpec:
    job = services.create_training_job(project=project, request=request, actor=actor)
    folder = RunFolder.of(job)
    folder.prepare(job)
    return read_spec(folder.write_spec(job, attempt=1, seconds_left=100.0))


def told_by_the_trainer(trainer: Trainer, spec: TrainingSpec) -> Event:
    with trainer.start(spec) as child:
        told = wait_for(spec, child, lambda event: event["event"] == "preflight")
        child.kill()
        child.wait(30.0)
    return told
