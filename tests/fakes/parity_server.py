"""Stands in for an engine that is asked what the trainer's own model was asked."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from embassy.training.models import Checkpoint, TrainingJob
from embassy.training.parity import Answer, Served
from embassy.training.supervisor.parity import references_of
from embassy.training.testing import Probed


class FaithfulServer:
    """Answers as the trainer did; `says` "base" in place of "tuned" is an engine that ignores adapters."""

    def __init__(self, says: str = "tuned") -> None:
        self.says = says
        self.probed: list[int] = []

    def holding(self, job: TrainingJob, checkpoint: Checkpoint) -> AbstractContextManager[None]:
        return nullcontext()

    def probe(
        self,
        job: TrainingJob,
        checkpoint: Checkpoint,
        prompts: Sequence[Sequence[dict[str, Any]]],
        max_tokens: int,
        on_progress: Callable[[int], None],
    ) -> Probed:
        self.probed.append(checkpoint.number)
        on_progress(0)
        document = references_of(checkpoint)
        assert document is not None
        return Probed(answers(document, self.says), answers(document, "base"))


def answers(document: dict[str, Any], who: str) -> list[Served | None]:
    return [Served(tuple(probe["prompt_ids"]), Answer.parse(probe[who])) for probe in document["probes"]]
