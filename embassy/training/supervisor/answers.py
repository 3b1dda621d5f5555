"""What a checkpoint answers to the test rows, as the text that test functions compare."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from embassy.datasets.rows import Row
from embassy.training.models import Checkpoint, TrainingJob
from embassy.training.states import TaskType
from embassy.training.testing import Answers, CheckpointServer

FEWEST_TOKENS, MOST_TOKENS = 32, 1024

Progress = Callable[[int], None]


def answers_of(
    server: CheckpointServer,
    job: TrainingJob,
    target: Checkpoint | None,
    examples: Sequence[Row],
    on_progress: Progress,
    known: Answers,
) -> list[str]:
    """One for each example, in order; empty where there is none. `known` is filled with what is served.

    The base model has no head: in its place stands the answer that is right most often in the dataset.
    """
    if job.task_type == TaskType.EMBEDDING:
        return _likenesses(server, job, target, examples, on_progress, known)
    prompts = [example.prompt_messages for example in examples]
    if job.task_type == TaskType.TEXT_GENERATION:
        return server.generate(job, target, prompts, max_tokens(examples), on_progress, known)
    if target is None:
        return [str(job.spec["baseline"])] * len(examples)
    outputs = server.classify(job, target, prompts, on_progress, known)
    return [as_answer(target.metadata, output) for output in outputs]


def max_tokens(examples: Sequence[Row]) -> int:
    """Room for the longest expected answer and half as much again: a token is at least one byte."""
    longest = max((len(example.expected_output.encode()) for example in examples), default=0)
    return max(FEWEST_TOKENS, min(longest + longest // 2, MOST_TOKENS))


def as_answer(metadata: Mapping[str, Any], outputs: Sequence[float] | None) -> str:
    """What the outputs of a head say: a label, a JSON object of labels with 0 or 1, or a number."""
    if outputs is None:
        return ""
    if metadata["problem_type"] == "regression":
        return f"{outputs[0] * metadata['deviation'] + metadata['mean']:.6g}"
    labels = metadata["labels"]
    if metadata["multi_label"]:
        holds = {
            label: int(output > metadata["threshold"]) for label, output in zip(labels, outputs, strict=True)
        }
        return json.dumps(holds, ensure_ascii=False)
    return str(labels[max(range(len(labels)), key=lambda index: outputs[index])])


def _likenesses(
    server: CheckpointServer,
    job: TrainingJob,
    target: Checkpoint | None,
    examples: Sequence[Row],
    on_progress: Progress,
    known: Answers,
) -> list[str]:
    texts = [message["content"] for example in examples for message in example.prompt_messages]
    vectors = server.embed(job, target, texts, lambda done: on_progress(done // 2), known)
    return [_likeness(one, other) for one, other in zip(vectors[::2], vectors[1::2], strict=True)]


def _likeness(one: Sequence[float] | None, other: Sequence[float] | None) -> str:
    """The cosine of the angle between two vectors."""
    if one is None or other is None:
        return ""
    lengths = math.hypot(*one) * math.hypot(*other)
    return f"{sum(a * b for a, b in zip(one, other, strict=True)) / lengths:.6f}" if lengths else "0"
