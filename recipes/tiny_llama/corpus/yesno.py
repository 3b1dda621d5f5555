"""Yes or no, about one sentence."""

from random import Random

from recipes.tiny_llama import words
from recipes.tiny_llama.document import Document, chat


def make(rng: Random) -> Document:
    """Asks whether a value is the one that the sentence names."""
    first, second = rng.sample(words.FIRST_NAMES, 2)
    thing, other = rng.sample(words.OBJECTS, 2)
    colour, wrong = rng.sample(words.COLOURS, 2)
    city, elsewhere = rng.sample(words.CITIES, 2)
    sentence = f"{first} bought a {colour} {thing} in {city}."
    true = rng.random() < 0.5
    question = rng.choice((
        f"Did {first if true else second} buy something?",
        f"Is the {thing} {colour if true else wrong}?",
        f"Did {first} buy a {thing if true else other}?",
        f"Was {first} in {city if true else elsewhere}?",
    ))  # fmt: skip
    return chat(f"{sentence} {question}", "yes" if true else "no")
