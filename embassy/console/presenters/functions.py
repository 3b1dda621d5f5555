"""Test functions as cards: what each is for, in its own words."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from embassy.evaluation.functions import ResolvedFunction


@dataclass(frozen=True)
class Card:
    """`tasks` empty: for every task."""

    name: str
    summary: str
    is_built_in: bool
    higher_is_better: bool
    tasks: tuple[str, ...]
    dependencies: tuple[str, ...]

    @property
    def text(self) -> str:
        """What a search looks through."""
        return f"{self.name} {self.summary} {' '.join(self.tasks)}".lower()


def card_of(function: ResolvedFunction) -> Card:
    return Card(
        name=function.name,
        summary=summary_of(function.content),
        is_built_in=function.is_built_in,
        higher_is_better=function.higher_is_better,
        tasks=tuple(function.task_types),
        dependencies=tuple(function.dependencies),
    )


def cards_of(functions: Sequence[ResolvedFunction]) -> list[Card]:
    return [card_of(function) for function in functions]


@lru_cache(maxsize=512)
def summary_of(content: str) -> str:
    """The first line of the docstring of the function that the source defines; empty without one."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            return (ast.get_docstring(node) or "").partition("\n")[0]
    return ""
