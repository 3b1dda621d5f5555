"""Short stories from a small grammar, half of them as answers."""

from random import Random

from recipes.tiny_llama import words
from recipes.tiny_llama.document import Document, chat

_BEGIN = (
    "Once upon a time there was a {adj} {animal} named {name}.",
    "{name} was a {adj} {animal} who lived near the {place}.",
    "One {day} {name} the {animal} went to the {place}.",
)
_MIDDLE = (
    "{name} liked to {verb} with a friend called {friend}.",
    "One day they found a {adj} {colour} {thing} under a tree.",
    "{friend} was {mood}, so {name} gave {friend} a {fruit}.",
    "It was {adj} outside, and the {place} was very {adj2}.",
    '"Let us {verb}," said {name}. "Yes," said {friend}.',
    "But the {thing} was lost, and {name} began to look for it.",
)
_END = (
    "In the end they went home and were happy.",
    "After that {name} and {friend} were best friends.",
    "{name} smiled and fell asleep.",
    "And so the {animal} learned to be kind.",
)
_MOODS = ("sad", "hungry", "tired", "afraid", "angry", "cold")


def story(rng: Random, animal: str) -> str:
    """A story of four to six sentences about one animal."""
    name, friend = rng.sample(words.FIRST_NAMES, 2)
    sentences = [rng.choice(_BEGIN), *rng.sample(_MIDDLE, rng.randint(2, 4)), rng.choice(_END)]
    return " ".join(
        sentence.format(
            name=name, friend=friend, animal=animal, adj=rng.choice(words.ADJECTIVES),
            adj2=rng.choice(words.ADJECTIVES), place=rng.choice(words.PLACES), verb=rng.choice(words.VERBS),
            thing=rng.choice(words.OBJECTS), colour=rng.choice(words.COLOURS), fruit=rng.choice(words.FRUIT),
            mood=rng.choice(_MOODS), day=rng.choice(words.DAYS),
        )
        for sentence in sentences
    )  # fmt: skip


def make(rng: Random) -> Document:
    """A request and its story, or the story alone as plain text."""
    animal = rng.choice(words.ANIMALS)
    text = story(rng, animal)
    if rng.random() < 0.5:
        return Document(text=text)
    return chat(rng.choice(("Tell me a story about a {}.", "Write a short story: {}.")).format(animal), text)
