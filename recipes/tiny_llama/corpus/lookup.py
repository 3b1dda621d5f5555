"""Looks a value up in a list of keys and values."""

from collections.abc import Callable
from random import Random

from recipes.tiny_llama import words
from recipes.tiny_llama.document import Document, chat

_KEYS: tuple[Callable[[Random], str], ...] = (
    words.nonce,
    lambda rng: rng.choice(words.OBJECTS),
    lambda rng: rng.choice(words.FIRST_NAMES),
)
_SEPARATORS = (": ", " = ", " -> ", " is ")
_ASK = ("What is {}?", "{}?", "Value of {}?", "Look up {}.", "Give me the value for {}.")


def make(rng: Random) -> Document:
    """Two to six pairs, and the value of one of them."""
    count = rng.randint(2, 6)
    make_key = rng.choice(_KEYS)
    keys = list(dict.fromkeys(make_key(rng) for _ in range(count)))
    values = [words.anything(rng) for _ in keys]
    mark = rng.choice(_SEPARATORS)
    pairs = [f"{key}{mark}{value}" for key, value in zip(keys, values, strict=True)]
    table = rng.choice(("\n", "; ")).join(pairs)
    index = rng.randrange(len(keys))
    return chat(f"{table}\n{rng.choice(_ASK).format(keys[index])}", values[index])
