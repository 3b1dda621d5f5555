"""Find test functions by name."""

from collections.abc import Sequence

from rapidfuzz import process

from embassy.evaluation import builtin
from embassy.evaluation.functions import BuiltIn, TestFunction
from embassy.platform.actor import Actor
from embassy.platform.errors import InvalidInput

BUILT_IN: tuple[BuiltIn, ...] = (
    BuiltIn(builtin.exact_match_shared),
    BuiltIn(builtin.exact_match_ignore_case_shared),
    BuiltIn(builtin.test_similarity_shared, dependencies=("rapidfuzz",)),
    BuiltIn(builtin.similarity_score_shared, dependencies=("rapidfuzz",)),
    BuiltIn(builtin.contains_shared),
    BuiltIn(builtin.token_f1_shared),
    BuiltIn(builtin.json_structure_shared),
    BuiltIn(builtin.json_match_shared),
    BuiltIn(builtin.numeric_match_shared),
    BuiltIn(builtin.length_ratio_shared),
)

# What a job with test rows is scored by when it names nothing.
DEFAULTS = ("exact_match_shared", "test_similarity_shared")

_BY_NAME = {function.name: function for function in BUILT_IN}


def list_functions(actor: Actor) -> list[TestFunction]:
    return list(BUILT_IN)


def resolve(actor: Actor, name: str) -> TestFunction:
    """Raises InvalidInput that names the nearest function that there is."""
    found = _BY_NAME.get(name)
    if found is None:
        match = process.extractOne(name, _BY_NAME.keys(), score_cutoff=50)
        hint = f" Did you mean {match[0]}?" if match else ""
        raise InvalidInput(
            f"There is no test function {name}.{hint} List them with GET /v1/testing-functions.",
            code="unknown_test_function",
        )
    return found


def resolve_all(actor: Actor, names: Sequence[str]) -> list[TestFunction]:
    """Each function once, in the order in which it is first named."""
    return [resolve(actor, name) for name in dict.fromkeys(names)]
