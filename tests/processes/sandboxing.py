"""Functions that attack on the row "attack" and are honest on every other, and what to expect of them."""

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

from embassy.evaluation.sandbox.policy import Level, Limits, Policy
from embassy.evaluation.sandbox.sandbox import Outcome, Sandbox
from embassy.evaluation.sandbox.worker import Code

LIMITS = Limits(seconds=2.0, memory_mb=256)
ATTACK = ("attack", "", "")
HONEST = ("honest", "a", "a")


def source_of(attack: str) -> str:
    """`attack` is the body of a function: it returns 1.0 if it did what it must not be able to do."""
    body = textwrap.indent(textwrap.dedent(attack).strip(), "    ")
    return (
        f"def attack():\n{body}\n\n"
        "def judge(input_text, expected_output, predicted_output):\n"
        "    if input_text == 'attack':\n"
        "        return attack()\n"
        "    return 0.5 if predicted_output == expected_output else 0.25\n"
    )


@contextmanager
def sandboxed(source: str, level: Level, *, limits: Limits = LIMITS) -> Iterator[Sandbox]:
    with Sandbox(Code(source, "judge"), limits=limits, policy=Policy(wanted=level)) as sandbox:
        yield sandbox


def run_attack(attack: str, level: Level, *, limits: Limits = LIMITS) -> Outcome:
    """The attack's outcome, after making sure that rows before and after it are scored right."""
    with sandboxed(source_of(attack), level, limits=limits) as sandbox:
        assert sandbox.call(HONEST).value == 0.5
        outcome = sandbox.call(ATTACK)
        for _ in range(2):
            assert sandbox.call(HONEST).value == 0.5, outcome
        assert sandbox.call(("honest", "a", "b")).value == 0.25
    return outcome


def assert_contained(attack: str, level: Level, *, limits: Limits = LIMITS) -> Outcome:
    outcome = run_attack(attack, level, limits=limits)
    assert outcome.value != 1.0, outcome
    return outcome
