"""What the rows of a job put on the device that trains on them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from embassy.training.examples.summary import Counted
from embassy.training.footprint import Load
from embassy.training.spec import GrpoParameters, Parameters, Task, Technique


def load_of(
    technique: Technique,
    task: Task,
    parameters: Parameters,
    examples: Sequence[Counted],
    *,
    cuda: bool,
    bf16: bool,
) -> Load:
    """The load at its worst, when a batch is full of the longest rows. Examples are the trainable ones."""
    longest = max((example.size for example in examples), default=0)
    learned = max((example.learned for example in examples), default=0)
    batch, prompt = min(parameters.per_device_train_batch_size, max(1, len(examples))), 0
    if isinstance(parameters, GrpoParameters):  # a batch is made of answers, however few the prompts are
        batch, prompt = parameters.per_device_train_batch_size, longest
        learned = parameters.max_completion_length
        longest = prompt + learned
    return Load(
        technique=technique,
        task=task,
        parameters=parameters,
        batch=batch,
        longest=longest,
        learned=learned,
        prompt=prompt,
        cuda=cuda,
        bf16=bf16,
    )
