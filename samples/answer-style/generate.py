"""Makes the sample data set of preferences: an answer in a sentence is better than a bare word.

`python samples/answer-style/generate.py` rewrites the data files beside it, always alike.
"""

import json
import random
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SEED = 11
HELDOUT_SHARE = 0.25

CAPITALS: dict[str, str] = runpy.run_path(str(Path(__file__).parents[1] / "short-answers" / "generate.py"))[
    "CAPITALS"
]
OPPOSITES = {
    "big": "small", "old": "new", "long": "short", "heavy": "light", "warm": "cold", "soft": "hard",
    "quiet": "loud", "clean": "dirty", "happy": "sad", "quick": "slow", "strong": "weak", "rich": "poor",
    "wide": "narrow", "bright": "dark", "open": "closed", "full": "empty", "early": "late",
}  # fmt: skip
SOUNDS = {
    "cat": "meow", "dog": "woof", "cow": "moo", "sheep": "baa", "duck": "quack", "pig": "oink", "owl": "hoot",
}  # fmt: skip
COLOURS = {
    "the sky": "blue", "grass": "green", "snow": "white", "a banana": "yellow", "coal": "black",
    "a tomato": "red", "milk": "white", "a carrot": "orange",
}  # fmt: skip


class Family(NamedTuple):
    """Facts that are asked for and answered alike."""

    facts: dict[str, str]
    questions: tuple[str, ...]
    sentence: str


FAMILIES = (
    Family(
        CAPITALS,
        ("What is the capital of {}?", "Tell me the capital of {}.", "Which city is the capital of {}?"),
        "The capital of {} is {}.",
    ),
    Family(
        OPPOSITES | {value: key for key, value in OPPOSITES.items()},
        ("Opposite of {}?", "What is the opposite of {}?"),
        "The opposite of {} is {}.",
    ),
    Family(SOUNDS, ("What sound does a {} make?",), "A {} says {}."),
    Family(COLOURS, ("What colour is {}?",), "The colour of {} is {}."),
)


def rows(family: Family, facts: list[tuple[str, str]]) -> Iterator[dict[str, str]]:
    """Each question about each of the facts, the better answer and the worse one."""
    for thing, answer in facts:
        for question in family.questions:
            yield {
                "prompt": question.format(thing),
                "chosen": family.sentence.format(thing, answer),
                "rejected": answer,
            }


def split() -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The train rows and the held-out rows; nothing that is asked about is in both."""
    rng = random.Random(SEED)
    train: list[dict[str, str]] = []
    heldout: list[dict[str, str]] = []
    for family in FAMILIES:
        facts = list(family.facts.items())
        rng.shuffle(facts)
        border = round(len(facts) * HELDOUT_SHARE)
        heldout += rows(family, facts[:border])
        train += rows(family, facts[border:])
    rng.shuffle(train)
    return train, heldout


def contents() -> dict[str, str]:
    """The text of each data file by its name."""
    train, heldout = split()
    return {
        name: "".join(json.dumps(row) + "\n" for row in made)
        for name, made in {"train.jsonl": train, "heldout.jsonl": heldout}.items()
    }


if __name__ == "__main__":
    for name, content in contents().items():
        (Path(__file__).parent / name).write_text(content, encoding="utf-8")
