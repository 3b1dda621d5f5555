"""Answers to test rows that an interruption would lose: the next attempt asks only for the rest."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from embassy.platform.storage import get_storage
from embassy.platform.storage.interface import ObjectMissing
from embassy.training.models import TrainingJob
from embassy.training.supervisor.outcomes import Interrupted

Answers = dict[int, Any]  # by the place of the row


@contextmanager
def kept_answers(job: TrainingJob, number: int) -> Iterator[Answers]:
    """What checkpoint `number` has answered; what is added in the block is kept if that is interrupted."""
    key = f"{job.prefix}answers/{number}.json"
    answers = _load(key)
    known = len(answers)
    try:
        yield answers
    except Interrupted:
        if len(answers) > known:
            get_storage().put(key, json.dumps(answers).encode())
        raise
    if known:
        get_storage().delete(key)


def _load(key: str) -> Answers:
    try:
        document = json.loads(get_storage().read(key))
    except ObjectMissing:
        return {}
    return {int(place): answer for place, answer in document.items()}
