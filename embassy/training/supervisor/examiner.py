"""One checkpoint's exam: it answers the test rows, is scored, and the result is stored."""

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from embassy.datasets.rows import Row
from embassy.evaluation import functions, registry, scoring
from embassy.evaluation.metrics import registry as metrics
from embassy.evaluation.scoring import Scored
from embassy.platform.storage import get_storage
from embassy.training import records, selectors
from embassy.training.models import Checkpoint, TestResult
from embassy.training.models.checkpoint import BASE
from embassy.training.rows import example_of
from embassy.training.states import TaskType
from embassy.training.supervisor.answers import answers_of
from embassy.training.supervisor.kept_answers import Answers, kept_answers
from embassy.training.supervisor.outcomes import Fenced
from embassy.training.supervisor.parity import check_parity
from embassy.training.supervisor.session import Session
from embassy.training.supervisor.technique_metrics import technique_values
from embassy.training.testing import CheckpointServer

Target = Checkpoint | None  # None is the base model
OnProgress = Callable[[int], None]


class Examiner:
    """Examines checkpoints of one job, alone or one after the other. A result is stored once for each."""

    def __init__(self, session: Session, server: CheckpointServer) -> None:
        self._session, self._server = session, server
        self._job = session.job
        self._functions = registry.thaw(session.job.spec["test_functions"])

    @cached_property
    def examples(self) -> list[Row]:
        return [example_of(raw) for raw in selectors.test_rows(self._job)]

    def tested(self) -> set[int]:
        """Numbers of what has a result already."""
        return set(self._job.test_results.values_list("number", flat=True))

    def examine(self, target: Target, on_progress: OnProgress) -> None:
        """Raises what `on_progress` raises, Fenced, and EmbassyError where answers cannot be had.

        `on_progress` is called at least every few seconds, with the number of answers so far.
        """
        with kept_answers(self._job, number_of(target)) as known:
            scored = self._scored(target, on_progress, known)
        self._store(target, scored)

    def _scored(self, target: Target, on_progress: OnProgress, known: Answers) -> list[Scored]:
        examples = self.examples
        answers = self._answers(target, on_progress, known)
        rows = [
            functions.Row(input_text_of(self._job.task_type, example), example.expected_output, answer)
            for example, answer in zip(examples, answers, strict=True)
        ]
        return scoring.score_rows(self._functions, rows, lambda _: on_progress(len(examples)))

    def check_parity(self) -> None:
        """Of every checkpoint that has not been checked yet; raises like `examine`."""
        for checkpoint in self._job.checkpoints.filter(parity__isnull=True).select_related("job"):
            check_parity(self._session, self._server, checkpoint)

    def _answers(self, target: Target, on_progress: OnProgress, known: Answers) -> list[str]:
        if target is None:
            return answers_of(self._server, self._job, target, self.examples, on_progress, known)
        with self._server.holding(self._job, target):
            check_parity(self._session, self._server, target, lambda: on_progress(0))
            return answers_of(self._server, self._job, target, self.examples, on_progress, known)

    def _store(self, target: Target, scored: Sequence[Scored]) -> None:
        number, scores = number_of(target), scoring.means(scored)
        key = f"{self._job.prefix}tests/{number}-{self._session.token}.jsonl"
        lines = [as_line(example, item) for example, item in zip(self.examples, scored, strict=True)]
        get_storage().put(key, "".join(lines).encode())
        result = TestResult(
            job=self._job,
            number=number,
            rows_key=key,
            rows=len(scored),
            scores=scores,
            failures=scoring.failures(scored),
            metrics=self._metrics(target, scored, scores),
        )
        try:
            self._session.patiently(
                lambda: records.record_result(self._job, result, token=self._session.token)
            )
        except Fenced:
            get_storage().delete(key)
            raise

    def _metrics(self, target: Target, scored: Sequence[Scored], scores: dict[str, float]) -> dict[str, Any]:
        report = metrics.report(self._job.task_type, [item.row for item in scored]).as_dict()
        return {**report, "values": {**report["values"], **technique_values(self._job, target, scores)}}


def number_of(target: Target) -> int:
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
