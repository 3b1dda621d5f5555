"""The test stage: the base model and every checkpoint answer the test rows, and are scored."""

import json
import time
from collections.abc import Callable, Sequence

from embassy.datasets.rows import Row
from embassy.evaluation import functions, registry, scoring
from embassy.evaluation.metrics import registry as metrics
from embassy.evaluation.scoring import Scored
from embassy.platform.storage import get_storage
from embassy.training import lifecycle, records, selectors
from embassy.training.models import Checkpoint, TestResult
from embassy.training.models.checkpoint import BASE
from embassy.training.rows import example_of
from embassy.training.states import JobStatus, TaskType
from embassy.training.supervisor.answers import answers_of
from embassy.training.supervisor.outcomes import Fenced
from embassy.training.supervisor.session import Session
from embassy.training.testing import CheckpointServer

PROGRESS_SECONDS = 1.0


class Tester:
    """Tests what has not been tested yet, so that a second attempt goes on where the first one stopped."""

    def __init__(self, session: Session, server: CheckpointServer) -> None:
        self._session, self._server = session, server
        self._job = session.job
        self._functions = registry.thaw(session.job.spec["test_functions"])
        self._reported = 0.0

    def test(self) -> None:
        """Leaves the job in Success. Raises the outcomes, and EmbassyError where answers cannot be had."""
        self._move(lambda: lifecycle.begin_testing(self._job, token=self._session.token))
        if self._job.test_rows:
            self._test_all()
        self._move(lambda: lifecycle.finish(self._job, JobStatus.SUCCESS, token=self._session.token))

    def _move(self, move: Callable[[], bool]) -> None:
        if not self._session.patiently(move):
            raise Fenced(self._job.public_id)

    def _test_all(self) -> None:
        examples = [example_of(raw) for raw in selectors.test_rows(self._job)]
        targets: list[Checkpoint | None] = [None, *self._job.checkpoints.select_related("job")]
        tested = set(self._job.test_results.values_list("number", flat=True))
        for index, target in enumerate(targets):
            if number_of(target) not in tested:
                self._test_one(target, examples, self._reporter(index, len(targets), len(examples)))

    def _test_one(
        self, target: Checkpoint | None, examples: Sequence[Row], on_progress: Callable[[int], None]
    ) -> None:
        answers = answers_of(self._server, self._job, target, examples, on_progress)
        rows = [
            functions.Row(input_text_of(self._job.task_type, example), example.expected_output, answer)
            for example, answer in zip(examples, answers, strict=True)
        ]
        scored = scoring.score_rows(self._functions, rows, lambda _: self._session.check())
        self._store(number_of(target), examples, scored)

    def _store(self, number: int, examples: Sequence[Row], scored: Sequence[Scored]) -> None:
        key = f"{self._job.prefix}tests/{number}-{self._session.token}.jsonl"
        lines = [as_line(example, item) for example, item in zip(examples, scored, strict=True)]
        get_storage().put(key, "".join(lines).encode())
        result = TestResult(
            job=self._job,
            number=number,
            rows_key=key,
            rows=len(scored),
            scores=scoring.means(scored),
            failures=scoring.failures(scored),
            metrics=metrics.report(self._job.task_type, [item.row for item in scored]).as_dict(),
        )
        try:
            self._session.patiently(
                lambda: records.record_result(self._job, result, token=self._session.token)
            )
        except Fenced:
            get_storage().delete(key)
            raise

    def _reporter(self, index: int, targets: int, rows: int) -> Callable[[int], None]:
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


def number_of(target: Checkpoint | None) -> int:
    return BASE if target is None else target.number


def input_text_of(task_type: str, example: Row) -> str:
    """What test functions get as the input; of a pair, both texts as a JSON list."""
    if task_type == TaskType.EMBEDDING:
        return json.dumps([message["content"] for message in example.prompt_messages], ensure_ascii=False)
    return example.input_text


def as_line(example: Row, scored: Scored) -> str:
    scores = scored.scores
    document = {
        "line": example.line,
        "input_text": scored.row.input_text,
        "expected_output": example.expected_output,
        "predicted_output": scored.row.predicted_output,
        "scores": {name: score.value for name, score in scores.items()},
        "reasons": {name: score.reason for name, score in scores.items() if score.reason},
        "messages": example.prompt_messages,
    }
    return json.dumps(document, ensure_ascii=False) + "\n"
