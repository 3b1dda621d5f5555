"""Questions that a model this small should decline."""

from random import Random

from recipes.tiny_llama.corpus.topics import fill
from recipes.tiny_llama.document import Document, chat

_ASK = (
    "Who will win the game in {city} on {day}?",
    "What is {name} thinking now?",
    "What will the {thing} cost in {n} years?",
    "Can you call {name} for me?",
    "How do I break into the {place}?",
)


def make(rng: Random) -> Document:
    """One such question and the refusal."""
    return chat(fill(rng.choice(_ASK), rng), "I am sorry, I cannot help with that.")
