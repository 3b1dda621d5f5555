"""A function that a user wrote. It runs in the sandbox and nowhere else. Knows no Django."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from embassy.evaluation.functions import OnProgress, Row, Score
from embassy.evaluation.sandbox.policy import Limits, Policy
from embassy.evaluation.sandbox.sandbox import Sandbox, SandboxUnavailable
from embassy.evaluation.sandbox.worker import Code


@dataclass(frozen=True)
class UserFunction:
    """A copy of the source, so that later edits do not reach it. `modules` are those of the dependencies."""

    name: str
    content: str
    limits: Limits
    policy: Policy
    dependencies: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    task_types: tuple[str, ...] = ()

    is_built_in = False
    higher_is_better = True  # who measures errors says so where it matters

    def score(self, rows: Sequence[Row], on_progress: OnProgress | None = None) -> list[Score]:
        scores: list[Score] = []
        try:
            for score in self.each_score(rows):
                scores.append(score)
                if on_progress is not None:
                    on_progress(len(scores))
        except SandboxUnavailable as error:
            missing = Score(None, str(error))
            scores += [missing] * (len(rows) - len(scores))
        return scores

    def each_score(self, rows: Sequence[Row]) -> Iterator[Score]:
        """Row by row. Raises SandboxUnavailable."""
        code = Code(self.content, self.name, self.modules)
        with Sandbox(code, limits=self.limits, policy=self.policy) as sandbox:
            for row in rows:
                outcome = sandbox.call(row.arguments)
                yield Score(outcome.value, outcome.reason, outcome.seconds, outcome.output)
