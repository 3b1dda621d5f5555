"""Compares and sorts numbers."""

from random import Random

from recipes.tiny_llama import words
from recipes.tiny_llama.document import Document, chat


def make_compare(rng: Random) -> Document:
    """The larger or the smaller of two different numbers."""
    a, b = rng.sample(range(rng.choice((20, 100, 1000))), 2)
    if rng.random() < 0.5:
        return chat(f"Which is larger, {a} or {b}?", str(max(a, b)))
    return chat(f"Which is smaller, {a} or {b}?", str(min(a, b)))


def make_sort(rng: Random) -> Document:
    """Three to five numbers or words, in order."""
    count = rng.randint(3, 5)
    if rng.random() < 0.6:
        numbers = rng.sample(range(100), count)
        return chat(f"Sort: {' '.join(map(str, numbers))}", " ".join(map(str, sorted(numbers))))
    names = rng.sample(words.FRUIT, count)
    return chat(f"Sort by letter: {' '.join(names)}", " ".join(sorted(names)))
