"""The forms that a row may have, told by its fields."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal

from embassy.datasets.validation import prompts
from embassy.datasets.validation.fields import Values
from embassy.datasets.validation.messages import read_conversation
from embassy.datasets.validation.pairs import read_pair
from embassy.datasets.validation.preferences import read_openai_preference, read_preference

Kind = Literal["prompts", "preferences", "pairs"]


@dataclass(frozen=True)
class Shape:
    """`read` makes the canonical row, still without its line, or raises BadRow."""

    name: str
    kind: Kind
    required: tuple[str, ...]
    read: Callable[[Values], dict[str, Any]]
    marks: tuple[str, ...]  # a row with any of these fields has this shape
    optional: tuple[str, ...] = ()
    in_csv: bool = True


# In this order: the first shape of which a row has a mark.
SHAPES = (
    Shape("messages", "prompts", ("messages",), read_conversation, ("messages",), ("tools",), in_csv=False),
    Shape(
        "openai_preference",
        "preferences",
        ("input", "preferred_output", "non_preferred_output"),
        read_openai_preference,
        ("preferred_output", "non_preferred_output"),
        in_csv=False,
    ),
    Shape(
        "preference",
        "preferences",
        ("prompt", "chosen", "rejected"),
        read_preference,
        ("chosen", "rejected"),
        ("tools",),
    ),
    Shape("pair", "pairs", ("text1", "text2", "score"), read_pair, ("text1", "text2")),
    Shape(
        "prompt_completion",
        "prompts",
        ("prompt", "completion"),
        prompts.reader("prompt", "completion"),
        ("prompt", "completion"),
        ("tools",),
    ),
    Shape(
        "input_expected_output",
        "prompts",
        ("input", "expected_output"),
        prompts.reader("input", "expected_output"),
        ("input", "expected_output"),
        ("tools",),
    ),
)
KNOWN_FIELDS = frozenset(name for shape in SHAPES for name in shape.required)


def shape_of(names: Collection[str]) -> Shape | None:
    return next((shape for shape in SHAPES if any(mark in names for mark in shape.marks)), None)
