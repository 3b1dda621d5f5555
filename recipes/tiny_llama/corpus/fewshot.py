"""A mapping shown by examples, to be applied to one more input."""

from collections.abc import Sequence
from random import Random

from recipes.tiny_llama import words
from recipes.tiny_llama.document import Document, chat

_GROUPS = (
    words.ANIMALS, words.FRUIT, words.COLOURS, words.CITIES, words.FIRST_NAMES, words.JOBS, words.PLACES,
)  # fmt: skip


def _by_group(rng: Random) -> list[tuple[str, str]]:
    groups = rng.sample(_GROUPS, rng.choice((2, 2, 3)))
    labels = rng.choice((
        [words.nonce(rng) for _ in groups],
        rng.sample("ABCDEFGH", len(groups)),
        rng.sample(("yes", "no", "maybe", "left", "right", "one", "two"), len(groups)),
    ))  # fmt: skip
    pairs = [(w, label) for g, label in zip(groups, labels, strict=True) for w in rng.sample(g, 3)]
    rng.shuffle(pairs)
    return pairs[: rng.randint(5, len(pairs))]


def _by_rule(rng: Random) -> list[tuple[str, str]]:
    mark = rng.choice(("!", "?", "x", "-", "ing"))
    rules = (str.upper, lambda w: w + mark, lambda w: f"{w} {w}", lambda w: w[0], lambda w: f"the {w}")
    rule = rng.choice(rules)
    return [(w, rule(w)) for w in rng.sample(words.OBJECTS, rng.randint(4, 6))]


def _by_repeat(rng: Random) -> list[tuple[str, str]]:
    keys = rng.sample(words.OBJECTS, 3)
    table: Sequence[tuple[str, str]] = [(k, words.nonce(rng)) for k in keys]
    return [*table, rng.choice(table)]


def make(rng: Random) -> Document:
    """The last pair's output is the answer."""
    pairs = rng.choice((_by_group, _by_group, _by_rule, _by_repeat))(rng)
    arrow = rng.choice((" -> ", ": ", " => "))
    shown = "\n".join(f"{a}{arrow}{b}" for a, b in pairs[:-1])
    last, answer = pairs[-1]
    return chat(f"{shown}\n{last}{arrow.rstrip()}", answer)
