"""How much each test function counts as a reward. Pure."""

from collections.abc import Collection, Mapping

from embassy.platform.errors import InvalidInput

TOLERANCE = 1e-6


def checked_weights(weights: Mapping[str, float], functions: Collection[str]) -> dict[str, float]:
    """The weights in the functions' order. Raises InvalidInput unless they fit the functions and sum to 1."""
    if unknown := [name for name in weights if name not in functions]:
        raise _wrong(
            f"{', '.join(unknown)} is not among test_functions. Weigh those that are, and only those."
        )
    if missing := [name for name in functions if name not in weights]:
        raise _wrong(f"give a weight to {', '.join(missing)} too, or leave it out of test_functions.")
    if negative := [name for name, weight in weights.items() if not weight >= 0]:
        raise _wrong(f"the weight of {', '.join(negative)} must be at least 0.")
    total = sum(weights.values())
    if not abs(total - 1) <= TOLERANCE:
        raise _wrong(f"the weights must sum to 1, not {total:g}.")
    return {name: weights[name] for name in functions}


def _wrong(sentence: str) -> InvalidInput:
    return InvalidInput(f"reward: {sentence}", code="invalid_reward")
