"""Outputs of a head as probabilities."""

import pytest

from embassy.inference.classification import by_label, sigmoid, softmax
from embassy.inference.heads import Judgement
from tests.factories.routes import make_route


def test_probabilities_survive_outputs_of_any_size() -> None:
    assert softmax([1000.0, 0.0]) == [1.0, 0.0]
    assert softmax([-1000.0, -1000.0]) == [0.5, 0.5]
    assert (sigmoid(1000), sigmoid(-1000), sigmoid(0)) == (1.0, 0.0, 0.5)


def test_outputs_without_names_are_counted() -> None:
    assert by_label(Judgement("x", make_route(), [1.0, 2.0], 3), "logits") == {"0": 1.0, "1": 2.0}


def test_names_must_fit_the_outputs() -> None:
    with pytest.raises(ValueError, match="zip"):
        by_label(Judgement("x", make_route(labels=("a",)), [1.0, 2.0], 3), "logits")
