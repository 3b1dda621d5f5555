"""The README of an archive."""

import re
from typing import Any

import pytest
import yaml

from embassy.training.model_card import render

FACTS: dict[str, Any] = {
    "task": "text-generation",
    "technique": "SFT",
    "merged": False,
    "base": {"name": "some/model@0123456789", "revision": "0123456789"},
    "job_id": "tr-1",
    "checkpoint": 2,
    "step": 10,
    "metrics": {"loss": 0.25, "note": "x"},
}


def code(card: str) -> str:
    match = re.search("```python\n(.*?)```", card, re.DOTALL)
    assert match is not None
    return match[1]


def header(card: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(card.split("---")[1])
    return found


@pytest.mark.parametrize("task", ["text-generation", "classification", "regression", "embedding"])
@pytest.mark.parametrize("merged", [True, False])
def test_code_and_header_can_be_read(task: str, merged: bool) -> None:
    card = render({**FACTS, "task": task, "merged": merged, "metadata": {}})

    compile(code(card), "README.md", "exec")
    assert header(card)["base_model"] == "some/model"


def test_adapter_is_loaded_upon_the_revision_that_it_was_trained_on() -> None:
    card = render(FACTS)

    assert 'AutoModelForCausalLM.from_pretrained("some/model", revision="0123456789")' in code(card)
    assert header(card)["library_name"] == "peft"
    assert "| loss | 0.25 |" in card


def test_head_is_loaded_with_its_labels() -> None:
    card = render({**FACTS, "task": "classification", "metadata": {"labels": ["a", "b", "c"]}})

    assert "num_labels=3" in code(card)


def test_whole_model_needs_no_base() -> None:
    card = render({**FACTS, "merged": True})

    assert "peft" not in code(card)
    assert header(card)["library_name"] == "transformers"
