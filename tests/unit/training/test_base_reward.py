"""How a start is rewarded before it learns anything."""

import numpy as np
import pytest
import torch

from embassy.training.runner.base_reward import BaseReward, spaced, undisturbed


def test_means_are_weighted_and_groups_compared() -> None:
    scores = {
        "exact": np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]]),
        "short": np.array([[0.5, 0.5], [0.5, 0.5], [0.0, 1.0]]),
    }
    found = BaseReward.of(scores, [0.8, 0.2])

    assert (found.prompts, found.answers_per_prompt) == (3, 2)
    assert found.functions == {"exact": 0.5, "short": 0.5}
    assert found.mean == pytest.approx(0.5)
    assert found.equal_groups == pytest.approx(1 / 3)


def test_functions_that_outweigh_each_other_make_equal_groups() -> None:
    scores = {"one": np.array([[1.0, 0.0]]), "other": np.array([[0.0, 1.0]])}

    assert BaseReward.of(scores, [0.5, 0.5]).equal_groups == 1


@pytest.mark.parametrize(
    ("count", "picked"), [(2, [0, 5]), (3, [0, 3, 6]), (10, list(range(10))), (99, list(range(10)))]
)
def test_prompts_are_evenly_spaced(count: int, picked: list[int]) -> None:
    assert spaced(list(range(10)), count) == picked


@pytest.mark.parametrize("training", [True, False])
def test_sampling_leaves_no_trace(training: bool) -> None:
    model = torch.nn.Linear(2, 2).train(training)
    before = torch.get_rng_state()

    with undisturbed(model, seed=7):
        assert not model.training
        first = torch.rand(3)
    with undisturbed(model, seed=7):
        assert torch.equal(torch.rand(3), first)

    assert torch.equal(torch.get_rng_state(), before)
    assert model.training is training
    assert torch.is_grad_enabled()
