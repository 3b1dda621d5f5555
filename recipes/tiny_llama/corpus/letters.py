"""Multiple choice, answered by the letter."""

from random import Random

from recipes.tiny_llama import words
from recipes.tiny_llama.document import Document, chat

_GROUPS = {"animal": words.ANIMALS, "fruit": words.FRUIT, "city": words.CITIES, "job": words.JOBS,
           "colour": words.COLOURS[:4]}  # fmt: skip


def make(rng: Random) -> Document:
    """Three or four options of different kinds, one of the kind asked for."""
    kinds = rng.sample(sorted(_GROUPS), rng.choice((3, 4)))
    options = [(letter, kind, rng.choice(_GROUPS[kind])) for letter, kind in zip("ABCD", kinds, strict=False)]
    letter, kind, _ = rng.choice(options)
    shown = "\n".join(f"{mark}) {word}" for mark, _, word in options)
    return chat(f"Which one is the {kind}?\n{shown}\nAnswer with the letter.", letter)
