"""Levels of the sandbox that this machine has."""

import pytest

from embassy.evaluation.sandbox.policy import Level, Policy
from embassy.evaluation.sandbox.strength import strength


@pytest.fixture(params=[Level.STRONG, Level.BASIC], ids=str)
def level(request: pytest.FixtureRequest) -> Level:
    wanted: Level = request.param
    found = strength(Policy(wanted=wanted))
    if found.level is not wanted:
        pytest.skip(found.reason)
    return wanted
