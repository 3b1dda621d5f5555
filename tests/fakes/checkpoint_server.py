"""Stands in for the serving engine in the test stage: later checkpoints know more sums."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from embassy.training.models import Checkpoint, TrainingJob
from tests.factories.training import SUMS
from tests.fakes.parity_server import FaithfulServer


class SumServer(FaithfulServer):
    """The base model knows nothing, checkpoint 1 answers every other prompt, all later ones every prompt.

    While there is a file `hold-NUMBER` in the run folder, that checkpoint's answers are not ready.
    """

    def __init__(self, says: str = "tuned") -> None:
        super().__init__(says)
        self.asked: list[int] = []
        self.prompts_asked = 0

    def generate(
        self,
        job: TrainingJob,
        checkpoint: Checkpoint | None,
        prompts: Sequence[Sequence[dict[str, Any]]],
        max_tokens: int,
        on_progress: Callable[[int], None],
        answers: dict[int, Any] | None = None,
    ) -> list[str]:
        number = checkpoint.number if checkpoint else 0
        self.asked.append(number)
        self._hold(job, number, on_progress)
        answers = {} if answers is None else answers
        for index, prompt in enumerate(prompts):
            on_progress(index)
            if index in answers:
                continue
            self.prompts_asked += 1
            knows = number >= 2 or (number == 1 and index % 2 == 0)
            answers[index] = SUMS[prompt[-1]["content"]] if knows else "I do not know."
        return [answers[index] for index in range(len(prompts))]

    def _hold(self, job: TrainingJob, number: int, on_progress: Callable[[int], None]) -> None:
        folder = Path(settings.RUNS_DIR) / job.public_id
        while (folder / f"hold-{number}").exists():
            (folder / f"held-{number}").touch()
            on_progress(0)
            time.sleep(0.05)
