"""The next element of a sequence."""

from random import Random

from recipes.tiny_llama import words
from recipes.tiny_llama.document import Document, chat


def make(rng: Random) -> Document:
    """A number sequence of constant step, an alternation, or names in calendar order."""
    kind = rng.random()
    if kind < 0.5:
        start, step = rng.randrange(50), rng.choice((1, 2, 3, 5, 10))
        items = [str(start + i * step) for i in range(5)]
    elif kind < 0.8:
        pair = [words.anything(rng), words.anything(rng)]
        items = [pair[i % 2] for i in range(rng.randint(4, 6))]
    else:
        names = rng.choice((words.DAYS, words.MONTHS))
        start = rng.randrange(len(names))
        items = [names[(start + i) % len(names)] for i in range(4)]
    return chat(f"Continue: {', '.join(items[:-1])},", items[-1])
