"""Find test functions by name, and keep copies of them that later edits do not reach."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rapidfuzz import process

from embassy.evaluation import confinement, packages, selectors
from embassy.evaluation.builtin.table import BUILT_IN
from embassy.evaluation.functions import BuiltIn, ResolvedFunction
from embassy.evaluation.models import TestFunction
from embassy.evaluation.user_function import UserFunction
from embassy.platform.actor import Actor
from embassy.platform.errors import InvalidInput

# What a job with test rows is scored by when it names nothing.
DEFAULTS = ("exact_match_shared", "test_similarity_shared")

_BUILT_IN = {function.name: function for function in BUILT_IN}

Frozen = dict[str, Any]


def list_functions(actor: Actor) -> list[ResolvedFunction]:
    """The built-in ones, then the organization's."""
    return [*BUILT_IN, *map(resolved, selectors.functions_of(actor))]


def built_in(name: str) -> BuiltIn | None:
    return _BUILT_IN.get(name)


def higher_is_better(name: str) -> bool:
    """Of a function of this name; what a user wrote is taken for one where more is better."""
    ours = built_in(name)
    return ours is None or ours.higher_is_better


def resolve(actor: Actor, names: Sequence[str]) -> list[ResolvedFunction]:
    """Each function once, in the order in which it is first named, with its source as it is now.

    Raises InvalidInput that names the nearest function that there is.
    """
    own = selectors.functions_named(actor, names)
    return [_find(actor, name, own) for name in dict.fromkeys(names)]


def freeze(functions: Iterable[ResolvedFunction]) -> list[Frozen]:
    """Plain values for a JSON column. Whoever keeps them scores with this very source for ever."""
    return [
        {
            "name": function.name,
            "content": function.content,
            "dependencies": list(function.dependencies),
            "built_in": function.is_built_in,
        }
        for function in functions
    ]


def thaw(frozen: Iterable[Mapping[str, Any]]) -> list[ResolvedFunction]:
    """What `freeze` made. A built-in one that has changed since runs as a user's."""
    return [_thawed(item) for item in frozen]


def resolved(row: TestFunction) -> UserFunction:
    return user_function(row.name, row.content, row.dependencies, row.task_types)


def user_function(
    name: str, content: str, dependencies: Sequence[str], task_types: Sequence[str] = ()
) -> UserFunction:
    """A function under the sandbox that the settings ask for."""
    return UserFunction(
        name=name,
        content=content,
        dependencies=tuple(dependencies),
        modules=packages.modules_for(dependencies),
        task_types=tuple(task_types),
        limits=confinement.limits(),
        policy=confinement.policy(),
    )


def _find(actor: Actor, name: str, own: Mapping[str, TestFunction]) -> ResolvedFunction:
    if (ours := built_in(name)) is not None:
        return ours
    if name in own:
        return resolved(own[name])
    known = [*_BUILT_IN, *selectors.functions_of(actor).values_list("name", flat=True)]
    match = process.extractOne(name, known, score_cutoff=50)
    hint = f" Did you mean {match[0]}?" if match else ""
    raise InvalidInput(
        f"There is no test function {name}.{hint} List them with GET /v1/testing-functions.",
        code="unknown_test_function",
    )


def _thawed(item: Mapping[str, Any]) -> ResolvedFunction:
    ours = built_in(item["name"]) if item["built_in"] else None
    if ours is not None and ours.content == item["content"]:
        return ours
    return user_function(item["name"], item["content"], item["dependencies"])
