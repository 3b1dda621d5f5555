"""Looks a value up in a list of keys and values."""

from random import Random

from recipes.tiny_llama import words
from recipes.tiny_llama.document import Document, chat

_SEPARATORS = (": ", " = ", " -> ", " is ")
_ASK = ("What is {}?", "{}?", "Value of {}?", "Look up {}.", "Give me the value for {}.")


def make(rng: Random) -> Document:
    """Two to six pairs, and the value of one of them."""
    count = rng.randint(2, 6)
    maker = rng.choice((words.nonce, lambda r: r.choice(words.OBJECTS), lambda r: r.choice(words.FIRST_NAMES)))
    keys = list(dict.fromkeys(maker(rng) for _ in range(count)))
    values = [words.anything(rng) for _ in keys]
    mark = rng.choice(_SEPARATORS)
    table = rng.choice(("\n", "; ")).join(f"{key}{mark}{value}" for key, value in zip(keys, values, strict=True))
    index = rng.randrange(len(keys))
    return chat(f"{table}\n{rng.choice(_ASK).format(keys[index])}", values[index])
