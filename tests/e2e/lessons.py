"""Training jobs for the tests of what each kind of training learns.

All jobs that the selected tests look at are asked for at the beginning: they are trained while tests still
look at the ones before.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from tests.e2e.live import ROOT, LivePlatform

SAMPLES = ROOT / "samples"
BASE = 0  # the number of the results of what there was before


@dataclass(frozen=True)
class Lesson:
    """A job to ask for: two files, by their names and contents, and the request's body.

    `after` is the lesson from whose checkpoint it goes on: then it is asked for once that is over.
    """

    train: tuple[str, bytes]
    test: tuple[str, bytes]
    body: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""
    after: str | None = None


@dataclass(frozen=True)
class Learned:
    """A finished job, with the results of each checkpoint and of what there was before (BASE)."""

    job: dict[str, Any]
    results: dict[int, dict[str, Any]]

    @property
    def last(self) -> dict[str, Any]:
        return self.results[max(self.results)]

    @property
    def before(self) -> dict[str, Any]:
        return self.results[BASE]

    @property
    def first_loss(self) -> float:
        """The mean of the first steps'."""
        return fmean(point["loss"] for point in self.job["training_loss"][:5])

    def metric(self, name: str) -> tuple[float, float]:
        """Its value before and after training."""
        return self.before["metrics"]["values"][name], self.last["metrics"]["values"][name]

    def score(self, name: str) -> tuple[float, float]:
        """The mean of a test function before and after training."""
        return float(self.before["scores"][name]), float(self.last["scores"][name])


class Lessons:
    """The jobs of one project, each named like its lesson."""

    def __init__(self, platform: LivePlatform, project: str, lessons: Mapping[str, Lesson]) -> None:
        self.platform, self.project = platform, project
        self._lessons = lessons
        self._jobs: dict[str, str] = {}
        self._learned: dict[str, Learned] = {}
        self._uploaded: dict[tuple[str, bytes], str] = {}

    def begin(self, name: str) -> str:
        """The id of the lesson's job, which is asked for unless it was."""
        if name not in self._jobs:
            self._jobs[name] = self._ask(name, self._lessons[name])
        return self._jobs[name]

    def learned(self, name: str) -> Learned:
        """The lesson once it is over. Fails unless that is by success, and engine and trainer agree."""
        if name not in self._learned:
            job = self.platform.wait_for_job(self.project, self.begin(name), seconds=280)
            assert job["status"] == "Success", job
            self._check_parity(job)
            results = self.platform.call("GET", f"{self._address}/{job['id']}/results")
            self._learned[name] = Learned(job, {result["checkpoint"]: result for result in results})
        return self._learned[name]

    def deploy(self, learned: Learned) -> str:
        """The id of a deployment of the last checkpoint, as soon as requests may name it."""
        job = learned.job["id"]
        body = {"training_job_id": job, "checkpoint": max(learned.results), "name": f"served-{job}"}
        path = f"/v1/projects/{self.project}/deployments"
        created = self.platform.call("POST", path, expect=201, json=body)
        return str(self.platform.wait_for_deployment(self.project, created["id"])["id"])

    @property
    def _address(self) -> str:
        return f"/v1/projects/{self.project}/training-jobs"

    def _check_parity(self, job: dict[str, Any]) -> None:
        checkpoints = self.platform.call("GET", f"{self._address}/{job['id']}/checkpoints")
        if job["hyper_parameters"]["load_in_4bit"]:
            # It is served on whole weights: one that is unsure still may come out differently.
            checkpoints = checkpoints[-1:]
        for checkpoint in checkpoints:
            assert checkpoint["parity"]["status"] == "passed", checkpoint

    def _ask(self, name: str, lesson: Lesson) -> str:
        body = {
            "name": name,
            "base_model": "tiny-llama-instruct",
            "train_dataset_id": self._upload(*lesson.train),
            "test_dataset_id": self._upload(*lesson.test),
            **lesson.body,
        }
        if lesson.after:
            parent = self.learned(lesson.after)
            body |= {
                "base_model_option": "fine-tuned",
                "base_model": parent.job["name"],
                "checkpoint": max(parent.results),
            }
        created = self.platform.call("POST", f"{self._address}{lesson.path}", expect=201, json=body)
        return str(created["id"])

    def _upload(self, name: str, content: bytes) -> str:
        """One data set for each file, however many lessons use it."""
        if (name, content) not in self._uploaded:
            answer = self.platform.call(
                "POST",
                f"/v1/projects/{self.project}/datasets",
                expect=201,
                files={"file": (name, content)},
                data={"name": f"{len(self._uploaded)}-{name}"},
            )
            self._uploaded[name, content] = str(answer["id"])
        return self._uploaded[name, content]


def sample(path: str, count: int | None = None) -> tuple[str, bytes]:
    """A file of `samples/` as it is, or its first `count` rows."""
    file = SAMPLES / path
    lines = file.read_bytes().splitlines(keepends=True)
    if count is not None:
        lines = lines[: count + (file.suffix == ".csv")]  # the header is no row
    return name_of(file), b"".join(lines)


def rows_of(file: tuple[str, bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file[1].splitlines()]


def name_of(file: Path) -> str:
    return f"{file.parent.name}-{file.name}"
