"""Repeats, reverses and spells."""

from random import Random

from recipes.tiny_llama import words
from recipes.tiny_llama.document import Document, chat

_REPEAT = ("Repeat: {}", "Copy this exactly: {}", "Say this again: {}", "Echo {}", "Write the same text.\n{}")


def _repeat(rng: Random) -> Document:
    text = " ".join(words.anything(rng) for _ in range(rng.randint(1, 5)))
    return chat(rng.choice(_REPEAT).format(text), text)


def _reverse(rng: Random) -> Document:
    items = rng.sample(rng.choice((words.FRUIT, words.ANIMALS, words.COLOURS)), rng.randint(2, 5))
    return chat(f"Reverse the list: {', '.join(items)}", ", ".join(reversed(items)))


def _spell(rng: Random) -> Document:
    word = rng.choice((rng.choice(words.OBJECTS), rng.choice(words.ANIMALS), words.nonce(rng, 1)))
    return chat(f"Spell {word}.", "-".join(word))


def _twice(rng: Random) -> Document:
    text = words.anything(rng)
    return chat(f"Write it twice: {text}", f"{text} {text}")


def _upper(rng: Random) -> Document:
    word = rng.choice(words.OBJECTS + words.ANIMALS)
    return chat(f"Write {word} in capital letters.", word.upper())


def make(rng: Random) -> Document:
    """One copying task; plain repetition is the most frequent."""
    return rng.choice((_repeat, _repeat, _repeat, _reverse, _spell, _twice, _upper))(rng)
