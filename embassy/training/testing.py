"""What the test stage needs of whoever serves checkpoints. The task that runs a job passes one in."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from embassy.training.models import Checkpoint, TrainingJob
from embassy.training.parity import Served

Message = dict[str, Any]
Progress = Callable[[int], None]
# Answers by the place of what is asked, filled in as they come; what is in it already is not asked again.
Answers = dict[int, Any]


@dataclass(frozen=True)
class Probed:
    """What a checkpoint answered, and what the base model that it is loaded on did: None if it stands alone.

    An answer is None where the prompt was refused.
    """

    tuned: list[Served | None]
    base: list[Served | None] | None


class CheckpointServer(Protocol):
    """Every method answers in the order of what it is asked.

    Calls `on_progress` with the number of answers so far, at least every few seconds, also while it waits:
    it raises when the work is no longer wanted. Raises EmbassyError if the answers cannot be had.
    """

    def generate(
        self,
        job: TrainingJob,
        checkpoint: Checkpoint | None,
        prompts: Sequence[Sequence[Message]],
        max_tokens: int,
        on_progress: Progress,
        answers: Answers | None = None,
    ) -> list[str]:
        """One greedy answer for each prompt; None asks the base model."""

    def classify(
        self,
        job: TrainingJob,
        checkpoint: Checkpoint,
        prompts: Sequence[Sequence[Message]],
        on_progress: Progress,
        answers: Answers | None = None,
    ) -> list[list[float] | None]:
        """The raw outputs of the head for each prompt; None for one that the model refuses."""

    def embed(
        self,
        job: TrainingJob,
        checkpoint: Checkpoint | None,
        texts: Sequence[str],
        on_progress: Progress,
        answers: Answers | None = None,
    ) -> list[list[float] | None]:
        """The vector of each text, of which as much is read as the model takes."""

    def probe(
        self,
        job: TrainingJob,
        checkpoint: Checkpoint,
        prompts: Sequence[Sequence[Message]],
        max_tokens: int,
        on_progress: Progress,
    ) -> Probed:
        """The likeliest tokens for each prompt, without regard to where an answer would end."""

    def holding(self, job: TrainingJob, checkpoint: Checkpoint) -> AbstractContextManager[None]:
        """While entered, the checkpoint stays served: what is asked of it does not have it loaded anew."""
