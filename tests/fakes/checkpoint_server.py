"""Stands in for the serving engine in the test stage: later checkpoints know more sums."""

from collections.abc import Callable, Sequence
from typing import Any

from embassy.training.models import Checkpoint, TrainingJob
from tests.factories.training import SUMS


class SumServer:
    """The base model knows nothing, checkpoint 1 answers every other prompt, all later ones every prompt."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def generate(
        self,
        job: TrainingJob,
        checkpoint: Checkpoint | None,
        prompts: Sequence[Sequence[dict[str, Any]]],
        max_tokens: int,
        on_progress: Callable[[int], None],
    ) -> list[str]:
        number = checkpoint.number if checkpoint else 0
        self.asked.append(number)
        answers = []
        for index, prompt in enumerate(prompts):
            on_progress(index)
            knows = number >= 2 or (number == 1 and index % 2 == 0)
            answers.append(SUMS[prompt[-1]["content"]] if knows else "I do not know.")
        return answers
