"""Greetings and conversations of several turns that refer back."""

from random import Random

from recipes.tiny_llama import words
from recipes.tiny_llama.document import Document, chat

_HELLO = (
    ("Hello", "Hello! How can I help you?"),
    ("Hi!", "Hello! How can I help you?"),
    ("Good morning", "Good morning! What can I do for you?"),
    ("Hello, how are you?", "I am fine, thank you. How can I help you?"),
)
_THANKS = (("Thank you!", "You are welcome."), ("Thanks", "You are welcome."), ("Bye", "Goodbye!"))


def _recall(rng: Random) -> tuple[str, ...]:
    name, city, thing = words.person(rng), rng.choice(words.CITIES), rng.choice(words.OBJECTS)
    facts = [
        (f"My name is {name}.", f"Nice to meet you, {name}.", "What is my name?", f"Your name is {name}."),
        (f"I live in {city}.", f"{city} is a nice place.", "Where do I live?", f"You live in {city}."),
        (f"I want a {thing}.", f"I will look for a {thing}.", "What do I want?", f"You want a {thing}."),
    ]
    chosen = rng.sample(facts, rng.choice((1, 1, 2)))
    told = [turn for fact in chosen for turn in fact[:2]]
    return (*told, *rng.choice(chosen)[2:])


def make(rng: Random) -> Document:
    """A greeting, a few facts recalled, or both."""
    turns = (*rng.choice(_HELLO), *(_recall(rng) if rng.random() < 0.7 else ()))
    if rng.random() < 0.3:
        turns = (*turns, *rng.choice(_THANKS))
    return chat(*turns)
