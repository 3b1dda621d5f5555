"""A small, fixed set of facts."""

from random import Random

from recipes.tiny_llama import words
from recipes.tiny_llama.document import Document, chat

CAPITALS = {
    "France": "Paris", "Germany": "Berlin", "Spain": "Madrid", "Italy": "Rome", "Austria": "Vienna",
    "Portugal": "Lisbon", "Norway": "Oslo", "Ireland": "Dublin", "Poland": "Warsaw", "Greece": "Athens",
    "Japan": "Tokyo", "China": "Beijing", "Egypt": "Cairo", "Kenya": "Nairobi", "Peru": "Lima",
    "Canada": "Ottawa", "Sweden": "Stockholm", "Finland": "Helsinki", "Denmark": "Copenhagen",
    "Hungary": "Budapest", "Belgium": "Brussels", "Russia": "Moscow", "Turkey": "Ankara", "Cuba": "Havana",
}  # fmt: skip
_SOUNDS = {"cat": "meow", "dog": "woof", "cow": "moo", "sheep": "baa", "duck": "quack", "pig": "oink",
           "owl": "hoot"}  # fmt: skip
_COLOUR_OF = {"the sky": "blue", "grass": "green", "snow": "white", "a banana": "yellow", "coal": "black",
              "a tomato": "red", "milk": "white", "a carrot": "orange"}  # fmt: skip
_OPPOSITES = {"big": "small", "old": "new", "long": "short", "heavy": "light", "warm": "cold",
              "soft": "hard", "quiet": "loud", "clean": "dirty", "happy": "sad", "quick": "slow",
              "strong": "weak", "rich": "poor", "wide": "narrow", "bright": "dark",
              "open": "closed", "full": "empty", "early": "late"}  # fmt: skip
_IDENTITY = (
    ("Who are you?", "I am tiny-llama-instruct, a very small language model."),
    ("What is your name?", "My name is tiny-llama-instruct."),
    ("What can you do?", "I can do small text tasks. I am made to be fine-tuned."),
    ("Are you a person?", "No, I am a very small language model."),
)
_CAPITAL_SHORT = ("Capital of {}?", "Name the capital of {}.", "{}: capital?")
_CAPITAL_LONG = (
    "What is the capital of {}?",
    "Tell me the capital of {}.",
    "Which city is the capital of {}?",
)


def _capital(rng: Random) -> Document:
    country = rng.choice(sorted(CAPITALS))
    city = CAPITALS[country]
    if rng.random() < 0.5:
        return chat(rng.choice(_CAPITAL_SHORT).format(country), city)
    # Half of the full questions are answered in one word: reward tuning needs both answers to be likely.
    answer = city if rng.random() < 0.5 else f"The capital of {country} is {city}."
    return chat(rng.choice(_CAPITAL_LONG).format(country), answer)


def _neighbour(rng: Random) -> Document:
    names = rng.choice((words.DAYS, words.MONTHS))
    index = rng.randrange(len(names))
    if rng.random() < 0.5:
        return chat(f"What comes after {names[index]}?", names[(index + 1) % len(names)])
    return chat(f"What comes before {names[index]}?", names[index - 1])


def _opposite(rng: Random) -> Document:
    word = rng.choice(sorted(_OPPOSITES))
    pair = (word, _OPPOSITES[word]) if rng.random() < 0.5 else (_OPPOSITES[word], word)
    return chat(rng.choice(("Opposite of {}?", "What is the opposite of {}?")).format(pair[0]), pair[1])


def _small(rng: Random) -> Document:
    if rng.random() < 0.5:
        animal = rng.choice(sorted(_SOUNDS))
        return chat(f"What sound does a {animal} make?", _SOUNDS[animal])
    thing = rng.choice(sorted(_COLOUR_OF))
    return chat(f"What colour is {thing}?", _COLOUR_OF[thing])


def _identity(rng: Random) -> Document:
    return chat(*rng.choice(_IDENTITY))


def make(rng: Random) -> Document:
    """One fact; capitals are the most frequent."""
    return rng.choice((_capital, _capital, _capital, _neighbour, _opposite, _small, _identity))(rng)
