"""What is wrong with the form of a training job, as a list above it."""

from dataclasses import dataclass

from embassy.console.field_errors import Errors

_TITLES = {
    "name": "Name",
    "description": "Description",
    "base_model": "Start from",
    "checkpoint": "Checkpoint",
    "hf_model_link": "Hugging Face model",
    "kind": "Training",
    "method": "Method",
    "train_dataset_id": "Data set",
    "test_dataset_id": "Test data set",
    "split": "Held back",
    "test_functions": "Test functions",
    "selects": "The best checkpoint",
    "higher": "The best checkpoint",
    "patience": "Stop early",
    "min_delta": "Smallest improvement",
    "keep_best": "Keep only the best",
    "rebalance": "Balance of labels",
    "minutes": "Time limit",
}


@dataclass(frozen=True)
class Problem:
    """`field` is the id of the element to go to, and empty if the sentence is about no single one."""

    field: str
    title: str
    sentence: str


def problems_of(errors: Errors) -> list[Problem]:
    return [
        Problem(field, _TITLES.get(field, field.removeprefix("p.")), sentence)
        for field, sentence in errors.items()
    ]
