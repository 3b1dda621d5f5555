"""What the program needs in its environment before it imports anything heavy."""

import importlib

from embassy.training.runner.preload import ENVIRONMENT

__all__ = ["ENVIRONMENT", "preload"]


def preload() -> None:
    """Import everything that merging uses."""
    for name in ("torch", "transformers", "embassy.training.runner.models"):
        importlib.import_module(name)
