"""Rows of the evaluation app, each with sensible defaults."""

from collections.abc import Sequence

from embassy.evaluation import services
from embassy.evaluation.models import TestFunction
from embassy.platform.actor import Actor


def source(name: str = "vowels", body: str = "return float(expected_output == predicted_output)") -> str:
    """A function that passes every check; `body` may have several lines."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"def {name}(input_text, expected_output, predicted_output):\n{lines}"


def make_test_function(
    actor: Actor, *, name: str = "vowels", content: str | None = None, dependencies: Sequence[str] = ()
) -> TestFunction:
    return services.create_test_function(
        content=content or source(name), dependencies=dependencies, actor=actor
    )
