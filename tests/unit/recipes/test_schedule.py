"""The training schedule."""

import pytest

from recipes.tiny_llama.schedule import WARM_UP_STEPS, rate_factor, row_length
from recipes.tiny_llama.train import Plan


def test_rate_warms_up_holds_and_falls() -> None:
    assert rate_factor(0, 0.0) == pytest.approx(1 / WARM_UP_STEPS)
    assert rate_factor(500, 0.49) == 1.0
    assert rate_factor(1500, 0.75) == pytest.approx(0.51)
    assert rate_factor(2000, 1.0) == pytest.approx(0.02)


def test_rows_grow() -> None:
    assert [row_length(progress) for progress in (0.0, 0.59, 0.6, 0.84, 0.85, 1.0)] == [
        128,
        128,
        256,
        256,
        512,
        512,
    ]


def test_a_time_limit_shortens_the_run() -> None:
    plan = Plan(steps=1000, minutes=10)

    assert plan.progress(step=100, elapsed=30) == pytest.approx(0.1)
    assert plan.progress(step=100, elapsed=300) == pytest.approx(0.5)
    assert Plan(steps=1000).progress(step=100, elapsed=10**6) == pytest.approx(0.1)
