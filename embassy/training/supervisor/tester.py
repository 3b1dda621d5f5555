"""The test stage: the base model and every checkpoint answer the test rows, and are scored."""

import time
from collections.abc import Callable

from embassy.training import lifecycle, records
from embassy.training.best import succeed
from embassy.training.supervisor.early_stopping import told
from embassy.training.supervisor.examiner import Examiner, OnProgress, Target, number_of
from embassy.training.supervisor.outcomes import Fenced
from embassy.training.supervisor.session import Session

PROGRESS_SECONDS = 1.0


class Tester:
    """Tests what has not been tested yet, so that a second attempt goes on where the first one stopped."""

    def __init__(self, session: Session, examiner: Examiner) -> None:
        self._session, self._examiner = session, examiner
        self._job = session.job
        self._reported = 0.0

    def test(self) -> None:
        """Leaves the job in Success. Raises the outcomes, and EmbassyError where answers cannot be had."""
        token = self._session.token
        reason, code = self._session.patiently(lambda: told(self._job))
        self._move(lambda: lifecycle.begin_testing(self._job, token=token, reason=reason, code=code))
        if self._job.test_rows:
            self._test_all()
        self._examiner.check_parity()
        self._move(lambda: succeed(self._job, token=token, reason=reason, code=code))

    def _move(self, move: Callable[[], bool]) -> None:
        if not self._session.patiently(move):
            raise Fenced(self._job.public_id)

    def _test_all(self) -> None:
        targets: list[Target] = [None, *self._job.checkpoints.select_related("job")]
        tested = self._examiner.tested()
        for index, target in enumerate(targets):
            if number_of(target) not in tested:
                self._examiner.examine(target, self._reporter(index, len(targets)))

    def _reporter(self, index: int, targets: int) -> OnProgress:
        rows = len(self._examiner.examples)

        def on_progress(done: int) -> None:
            self._session.check()
            if time.monotonic() - self._reported < PROGRESS_SECONDS:
                return
            self._reported = time.monotonic()
            share = (index + min(done / rows, 1.0)) / targets
            percent = records.TRAINING_PERCENT + int((100 - records.TRAINING_PERCENT) * share)
            self._session.patiently(
                lambda: records.record_progress(self._job, percent, token=self._session.token)
            )

        return on_progress
