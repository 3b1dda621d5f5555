"""What the test stage needs of whoever serves checkpoints. The task that runs a job passes one in."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from embassy.training.models import Checkpoint, TrainingJob

Message = dict[str, Any]


class CheckpointServer(Protocol):
    def generate(
        self,
        job: TrainingJob,
        checkpoint: Checkpoint | None,
        prompts: Sequence[Sequence[Message]],
        max_tokens: int,
        on_progress: Callable[[int], None],
    ) -> list[str]:
        """One greedy answer for each prompt, in order; None asks the base model.

        Calls `on_progress` with the number of answers so far, at least every few seconds, also while it
        waits: it raises when the work is no longer wanted. Raises EmbassyError if the answers cannot be had.
        """
