"""Tests checkpoints while the trainer goes on, and says when it need not."""

import logging
import time
from collections.abc import Callable

from django.db.models import QuerySet

from embassy.platform.errors import EmbassyError
from embassy.platform.logs import fields
from embassy.training import records
from embassy.training.best import scores_of
from embassy.training.models import Checkpoint, JobEvent, TrainingJob
from embassy.training.selection import Scores, Selection
from embassy.training.supervisor.examiner import Examiner, OnProgress
from embassy.training.supervisor.session import Session

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
AGAIN_SECONDS = 20.0
STOPPED_EARLY = "early_stopped"
POSTPONED = "The test of checkpoint {number} is put off, and training goes on: {why}"


class EarlyStopping:
    """Of one attempt. What it decides follows from the stored results alone, so a crash changes nothing."""

    def __init__(self, session: Session, examiner: Examiner, selection: Selection) -> None:
        self._session, self._examiner, self._selection = session, examiner, selection
        self._job = session.job
        self._not_before = 0.0  # when to test again after a test has failed

    @classmethod
    def of(cls, session: Session, examiner: Examiner) -> "EarlyStopping | None":
        """None for a job that is to be trained to its end."""
        selection = Selection.of(session.job.spec)
        if selection is None or selection.early_stopping_patience is None or not session.job.test_rows:
            return None
        return cls(session, examiner, selection)

    def is_due(self) -> bool:
        """Whether training should stop, by what has been tested so far."""
        return self._selection.is_exhausted(self._scores())

    def says_stop(self, look: Callable[[], object]) -> bool:
        """Test the oldest checkpoint that has not been tested, if there is one; whether to stop then.

        `look` is called a few times a second meanwhile; raises what it raises. A checkpoint that cannot be
        tested just now is tested later.
        """
        if time.monotonic() < self._not_before:
            return False
        checkpoint = self._session.patiently(self._oldest_untested)
        if checkpoint is None:
            return False
        try:
            self._examiner.examine(checkpoint, now_and_then(look))
        except EmbassyError as error:
            self._put_off(checkpoint, error)
        return self.is_due()

    def tell(self) -> None:
        """Write down, once, that training was stopped."""
        if not self._session.patiently(lambda: _told(self._job).exists()):
            self._session.patiently(self._record)

    def _scores(self) -> Scores:
        return self._session.patiently(lambda: scores_of(self._job, self._selection))

    def _oldest_untested(self) -> Checkpoint | None:
        stored = self._job.checkpoints.select_related("job").order_by("number")
        return stored.exclude(number__in=self._examiner.tested()).first()

    def _put_off(self, checkpoint: Checkpoint, error: EmbassyError) -> None:
        log.info("early_stopping.put_off", extra=fields(job=self._job.public_id, error=error.message))
        self._not_before = time.monotonic() + AGAIN_SECONDS
        message = POSTPONED.format(number=checkpoint.number, why=error.message)
        self._session.patiently(
            lambda: records.record_event(
                self._job, "warning", token=self._session.token, code="test_postponed", message=message
            )
        )

    def _record(self) -> None:
        scores = self._scores()
        best = self._selection.best(scores)
        assert best is not None  # without scores nothing is exhausted
        records.record_event(
            self._job,
            STOPPED_EARLY,
            token=self._session.token,
            code=STOPPED_EARLY,
            message=sentence(self._selection, best, scores[best]),
            test_function=self._selection.test_function,
            checkpoint=best,
            score=scores[best],
        )


def now_and_then(look: Callable[[], object]) -> OnProgress:
    """Progress is reported for every row; that is too often to look at files and rows."""
    looked_at = time.monotonic()

    def on_progress(_done: int) -> None:
        nonlocal looked_at
        if time.monotonic() - looked_at >= LOOK_SECONDS:
            look()
            looked_at = time.monotonic()

    return on_progress


def sentence(selection: Selection, best: int, score: float) -> str:
    patience = selection.early_stopping_patience
    last = "the last checkpoint" if patience == 1 else f"the last {patience} checkpoints"
    return (
        f"Training stopped early: {last} did not improve {selection.test_function}."
        f" Checkpoint {best} is the best, with {score:g}."
    )


def told(job: TrainingJob) -> tuple[str, str]:
    """The sentence and the code of a training that was stopped early; empty for others."""
    event = _told(job).first()
    return (event.data["message"], STOPPED_EARLY) if event else ("", "")


def _told(job: TrainingJob) -> "QuerySet[JobEvent, JobEvent]":
    return job.events.filter(kind=STOPPED_EARLY)
