"""Positive or negative."""

from random import Random

from recipes.tiny_llama import words
from recipes.tiny_llama.document import Document, chat

_GOOD = (
    "I love this {thing}.",
    "The {thing} works very well.",
    "Great service, thank you {name}!",
    "The {thing} arrived early and looks beautiful.",
    "Best {thing} I ever had.",
    "{name} was kind and helpful.",
    "I am very happy with the {thing}.",
    "What a lovely day at the {place}.",
    "I would buy this {thing} again.",
)
_BAD = (
    "I hate this {thing}.",
    "The {thing} broke after {n} days.",
    "Terrible service, nobody answered.",
    "The {thing} arrived late and dirty.",
    "Worst {thing} I ever had.",
    "{name} was rude and slow.",
    "I am very unhappy with the {thing}.",
    "What an awful day at the {place}.",
    "I want my money back for the {thing}.",
)
_ASK = (
    "Is this positive or negative? {text}",
    "Sentiment: {text}",
    "{text}\nSentiment?",
    "Classify the sentiment as positive or negative.\n{text}",
)


def make(rng: Random) -> Document:
    """One or two sentences of one mood."""
    label, patterns = rng.choice((("positive", _GOOD), ("negative", _BAD)))
    text = " ".join(
        p.format(thing=rng.choice(words.OBJECTS), name=words.person(rng), n=rng.randint(2, 30),
                 place=rng.choice(words.PLACES))
        for p in rng.sample(patterns, rng.choice((1, 2)))
    )  # fmt: skip
    return chat(rng.choice(_ASK).format(text=text), label)
