"""Plain sentences about everyday matters, as text to continue."""

from random import Random

from recipes.tiny_llama.corpus.topics import fill
from recipes.tiny_llama.document import Document

_SENTENCES = (
    "{name} went to the {place} on {day} and bought a {thing}.",
    "The {thing} that we ordered last week has not arrived yet.",
    "Please let me know if you have any questions about the {thing}.",
    "I would like to change the address of my account.",
    "It took {n} minutes to walk from the {place} to the station.",
    "They could not find the {thing}, so they asked {name} for help.",
    "When the {place} opens again, {name} will be the first to visit it.",
    "We received your message and will answer before {day}.",
    "My password does not work, and I cannot log in to the website.",
    "The payment was made twice, and I need a refund for one of them.",
    "You should always check the invoice before you pay.",
    "{name} moved from {city} to a small village because it was quiet.",
    "There were about {n} people in front of the {place}.",
    "The package was damaged, and the {thing} inside was broken.",
    "How do I cancel my subscription after the free month?",
    "If the screen stays black, hold the button for {n} seconds.",
    "The delivery to {city} will take between {m} and {n} days.",
    "Someone left a {thing} at the {place}; it may belong to {name}.",
    "This error appears each time I try to upload a file.",
    "The contract ends in {n} months, unless we renew it.",
    "The customer wants to return the {thing} and get the money back.",
    "Which size should I choose, and is it still available in {city}?",
)


def make(rng: Random) -> Document:
    """Two to five sentences of plain text."""
    return Document(text=" ".join(fill(p, rng) for p in rng.sample(_SENTENCES, rng.randint(2, 5))))
