"""kill -9 at every stage of a job: it ends as if nothing had happened, and nothing is there twice or lost.

A job is killed again and again. All are in one queue: while one waits for its next attempt, another runs.
"""

import io
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
import torch
from safetensors.torch import load

from tests.e2e.inside import Inside, InsideJob, frozen, kill
from tests.e2e.lessons import rows_of, sample
from tests.e2e.live import FINAL, LivePlatform, sample_rows

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(700)]

SECONDS = 600
LOOK_SECONDS = 0.01
LOOKS_A_STATUS = 50
EPOCHS, STEPS = 2, 8  # of a job, and of an epoch

Row = tuple[Any, ...]
Story = Iterator[None]  # goes on a little whenever it is asked to
Victim = Callable[[InsideJob], int]


# --- the stages -----------------------------------------------------------------------------------


def before_the_first_step(job: InsideJob, attempt: int, victim: Victim) -> Story:
    while "started" not in kinds(job, attempt):
        yield
    with frozen(job.trainer()):
        assert not steps(job, attempt)
        kill(victim(job))


def mid_epoch(job: InsideJob, attempt: int, victim: Victim) -> Story:
    """In the second epoch, so that there is a checkpoint to go on from."""
    while max(steps(job, attempt), default=0) < STEPS + 2:
        yield
    with frozen(job.trainer()):
        assert STEPS < steps(job, attempt)[-1] < 2 * STEPS
        kill(victim(job))


def during_the_upload(job: InsideJob, attempt: int, victim: Victim) -> Story:
    """An archive is stored and its row is not."""
    while not steps(job, attempt):
        yield
    with job.inside.unwritable("training_checkpoint"):
        while job.objects("checkpoints") <= keys(job, "training_checkpoint", "archive_key"):
            yield
        kill(victim(job))


def during_testing(job: InsideJob, attempt: int, victim: Victim) -> Story:
    """Answers are stored and their scores are not."""
    while "started" not in kinds(job, attempt):
        yield
    with job.inside.unwritable("training_testresult"):
        while job.objects("tests") <= keys(job, "training_testresult", "rows_key"):
            yield
        assert job.status == "Testing"
        kill(victim(job))


@dataclass(frozen=True)
class Case:
    """What happens to a job: each stage costs it an attempt."""

    technique: str
    victim: Victim
    stages: tuple[Callable[[InsideJob, int, Victim], Story], ...]

    def __str__(self) -> str:
        return f"{self.technique}-{self.victim.__name__ if self.stages else 'undisturbed'}"

    def story(self, job: InsideJob) -> Story:
        for attempt, stage in enumerate(self.stages, start=1):
            yield from stage(job, attempt, self.victim)
            while not job.is_pending:
                yield
            job.make_due()


TECHNIQUES = ("SFT", "GRPO")
UNDISTURBED = {technique: Case(technique, InsideJob.trainer, ()) for technique in TECHNIQUES}
WHILE_TRAINING = (before_the_first_step, during_the_upload, mid_epoch)
KILLS = [
    Case(technique, victim, stages)
    for technique in TECHNIQUES
    for victim, stages in (
        (InsideJob.trainer, WHILE_TRAINING),
        (InsideJob.worker, (*WHILE_TRAINING, during_testing)),
    )
]


# --- the jobs -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def jobs(platform: LivePlatform) -> Iterator[dict[Case, InsideJob]]:
    """The job of each case, ended."""
    project = platform.create_project("kills")
    bodies = {"SFT": tickets(platform, project), "GRPO": rewarded(platform, project)}
    with Inside(platform.home) as inside:
        started = {
            case: InsideJob(inside, start(platform, project, bodies[case.technique]))
            for case in (*UNDISTURBED.values(), *KILLS)
        }
        play([(job, case.story(job)) for case, job in started.items()])
        yield started


def tickets(platform: LivePlatform, project: str) -> dict[str, Any]:
    return {
        "train_dataset_id": platform.upload(project, sample_rows("train", 8 * STEPS), name="tickets"),
        "test_dataset_id": platform.upload(project, sample_rows("heldout", 8), name="held-out"),
        "parameters": {"learning_rate": 0.003, "num_train_epochs": EPOCHS, "per_device_train_batch_size": 8},
    }


def rewarded(platform: LivePlatform, project: str) -> dict[str, Any]:
    questions = rows_of(sample("short-answers/train.jsonl"))
    return {
        "train_dataset_id": platform.upload(project, questions[: 4 * STEPS], name="capitals"),
        "test_dataset_id": platform.upload(project, questions[4 * STEPS :][:8], name="other-capitals"),
        "reward": {"exact_match_shared": 1},
        "parameters": {
            "num_train_epochs": EPOCHS,
            "num_generations": 4,
            "per_device_train_batch_size": 16,
            "max_completion_length": 16,
        },
    }


def start(platform: LivePlatform, project: str, body: dict[str, Any]) -> str:
    asked = {"base_model": "tiny-llama-instruct", "test_functions": ["exact_match_shared"]} | body
    address = f"/v1/projects/{project}/training-jobs{'/grpo' if 'reward' in body else ''}"
    return str(platform.call("POST", address, expect=201, json=asked)["id"])


def play(stories: list[tuple[InsideJob, Story]]) -> None:
    """Go on with every story until its job has ended."""
    deadline = time.monotonic() + SECONDS
    for turn in count():
        assert time.monotonic() < deadline, [(job.id, job.status) for job, _ in stories]
        for job, story in stories:
            job.keep_accounts()
            next(story, None)
        if turn % LOOKS_A_STATUS == 0:
            stories = [(job, story) for job, story in stories if job.status not in FINAL]
        if not stories:
            return
        time.sleep(LOOK_SECONDS)


# --- what is left ---------------------------------------------------------------------------------


@pytest.mark.parametrize("case", KILLS, ids=str)
def test_killed_job_ends_as_an_undisturbed_one(jobs: dict[Case, InsideJob], case: Case) -> None:
    job, model = jobs[case], jobs[UNDISTURBED[case.technique]]

    kills = len(case.stages)
    assert job.rows("SELECT status, failures, attempts FROM job") == [("Success", kills, kills + 1)]
    assert_all_there_once(job)
    assert results(job) == results(model)
    assert losses(job) == losses(model)
    assert_same_weights(job, model)


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_undisturbed_job_learns(jobs: dict[Case, InsideJob], technique: str) -> None:
    """Or the others would prove little."""
    job = jobs[UNDISTURBED[technique]]

    assert_all_there_once(job)
    first, last = weights(job)[1], weights(job)[EPOCHS]
    assert any(not torch.equal(weight, last[name]) for name, weight in first.items())


def assert_all_there_once(job: InsideJob) -> None:
    """Rows, events and objects: each one that there should be, and no other."""
    assert job.rows("SELECT number FROM training_checkpoint, job WHERE job_id = job.id ORDER BY number") == [
        (number,) for number in range(1, EPOCHS + 1)
    ]
    assert job.objects("checkpoints") == keys(job, "training_checkpoint", "archive_key")
    assert [number for number, *_ in results(job)] == list(range(EPOCHS + 1))
    assert job.objects("tests") == keys(job, "training_testresult", "rows_key")
    assert [step for step, _ in losses(job)] == list(range(1, EPOCHS * STEPS + 1))
    for attempt in job.attempts():
        written = [(event["seq"], event["event"]) for event in job.account(attempt)]
        assert events(job, attempt) == written
        assert [seq for seq, _ in written] == list(range(1, len(written) + 1))


def assert_same_weights(job: InsideJob, model: InsideJob) -> None:
    """To the last bit."""
    for number, expected in weights(model).items():
        found = weights(job)[number]
        assert found.keys() == expected.keys()
        assert all(torch.equal(weight, found[name]) for name, weight in expected.items()), number


def kinds(job: InsideJob, attempt: int) -> list[str]:
    return [event["event"] for event in job.account(attempt)]


def steps(job: InsideJob, attempt: int) -> list[int]:
    return [event["step"] for event in job.account(attempt) if event["event"] == "step"]


def keys(job: InsideJob, table: str, column: str) -> set[str]:
    return {key for (key,) in job.rows(f"SELECT {column} FROM {table} WHERE job_id = (SELECT id FROM job)")}


def events(job: InsideJob, attempt: int) -> list[Row]:
    rows = "SELECT attempt, seq, kind FROM training_jobevent WHERE job_id = (SELECT id FROM job) ORDER BY id"
    return [(seq, kind) for number, seq, kind in job.rows(rows) if number == attempt]


def losses(job: InsideJob) -> list[Row]:
    return job.rows("SELECT step, loss FROM training_losspoint, job WHERE job_id = job.id ORDER BY step")


def results(job: InsideJob) -> list[Row]:
    return job.rows(
        "SELECT number, rows, scores FROM training_testresult, job WHERE job_id = job.id ORDER BY number"
    )


def weights(job: InsideJob) -> dict[int, dict[str, torch.Tensor]]:
    """The adapter of each checkpoint, as it is stored."""
    rows = job.rows("SELECT number, archive_key FROM training_checkpoint, job WHERE job_id = job.id")
    return {number: adapter((job.inside.home / "files" / key).read_bytes()) for number, key in rows}


def adapter(archive: bytes) -> dict[str, torch.Tensor]:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        file = tar.extractfile("adapter_model.safetensors")
        assert file is not None
        return dict(load(file.read()))
