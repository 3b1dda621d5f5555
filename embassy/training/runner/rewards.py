"""Rewards: other programs score the sampled answers, because the code of a user never runs in here."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from embassy.training.runner.failures import RunnerError
from embassy.training.runner.run import Run
from embassy.training.spec import EndCode, Reward

_SAMPLES = 2
_SAMPLE_LENGTH = 500


class RewardProcess:
    """A reward's own program, kept for the whole run: one line of rows in, one line of scores out."""

    def __init__(self, reward: Reward) -> None:
        self._reward = reward
        self._failed = 0
        try:
            self._process = subprocess.Popen(
                reward.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        except OSError as error:
            raise self._failure(f"cannot be started ({error})") from error

    def score(self, rows: Sequence[dict[str, str]]) -> list[float | None]:
        """One score for each row, None where the function gave none. Raises RunnerError if it failed."""
        answer = self._ask(json.dumps({"rows": list(rows)}, ensure_ascii=False))
        if "error" in answer:
            raise self._failure(f"failed: {answer['error']}")
        scores = answer.get("scores")
        if not isinstance(scores, list) or len(scores) != len(rows):
            raise self._failure(f"did not give {len(rows)} scores")
        return [_finite(score) for score in scores]

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _ask(self, question: str) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write(question + "\n")
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline())
        except (BrokenPipeError, ValueError) as error:
            raise self._failure("ended without an answer") from error
        return answer if isinstance(answer, dict) else {}

    def _failure(self, problem: str) -> RunnerError:
        return RunnerError(
            EndCode.REWARD_FAILED, f"Reward function {self._reward.name} {problem}. Check it on a few rows."
        )


@dataclass
class Rewards:
    """All rewards of a job as the training library wants them, and a look at what they last scored."""

    run: Run
    samples: list[dict[str, Any]] = field(default_factory=list)
    _processes: list[RewardProcess] = field(default_factory=list)
    _warned: set[str] = field(default_factory=set)

    def functions(self) -> list[Any]:
        return [self._function(reward) for reward in self.run.spec.rewards]

    @property
    def weights(self) -> list[float]:
        return [reward.weight for reward in self.run.spec.rewards]

    def close(self) -> None:
        for process in self._processes:
            process.close()

    def _function(self, reward: Reward) -> Any:
        process = RewardProcess(reward)
        self._processes.append(process)

        def score(
            completions: list[Any], input_text: list[str], expected_output: list[str], **_: Any
        ) -> list[float]:
            answers = [completion[0]["content"] for completion in completions]
            names = ("input_text", "expected_output", "predicted_output")
            rows = [
                dict(zip(names, row, strict=True))
                for row in zip(input_text, expected_output, answers, strict=True)
            ]
            return self._settle(reward, rows, process.score(rows))

        score.__name__ = reward.name  # the training library names its metrics by it
        return score

    def _settle(self, reward: Reward, rows: list[dict[str, str]], scores: list[float | None]) -> list[float]:
        """A row without a score counts as 0, as it does in tests."""
        if None in scores and reward.name not in self._warned:
            self._warned.add(reward.name)
            self.run.warn(
                "reward_without_score",
                f"Reward function {reward.name} gave no score for {scores.count(None)} of {len(scores)} "
                "answers; they count as 0.",
            )
        settled = [score or 0.0 for score in scores]
        self._remember(reward, rows, settled)
        return settled

    def _remember(self, reward: Reward, rows: list[dict[str, str]], scores: list[float]) -> None:
        if reward is self.run.spec.rewards[0]:
            shortened = [{key: value[:_SAMPLE_LENGTH] for key, value in row.items()} for row in rows]
            self.samples = [{**row, "rewards": {}} for row in shortened[:_SAMPLES]]
        for sample, score in zip(self.samples, scores, strict=False):
            sample["rewards"][reward.name] = score


def _finite(score: Any) -> float | None:
    if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
        return None
    return float(score)
