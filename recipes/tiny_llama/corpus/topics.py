"""Names the topic of a short text."""

from random import Random

from recipes.tiny_llama import words
from recipes.tiny_llama.document import Document, chat

_TEXTS: dict[str, tuple[str, ...]] = {
    "sports": (
        "The team won the match {n} to {m} after a late goal.",
        "{name} trained hard and finished the race in second place.",
        "The coach said the players from {city} were tired before the final.",
        "Fans filled the stadium in {city} to watch the game.",
    ),
    "weather": (
        "Heavy rain is expected in {city} on {day}.",
        "It will be sunny with a light wind near {city}.",
        "Snow closed the roads, and the temperature fell to {n} degrees.",
        "A storm with strong wind moves towards {city} tonight.",
    ),
    "food": (
        "Mix the flour with two eggs, then bake the cake for {n} minutes.",
        "The restaurant in {city} serves fresh fish with rice and {fruit}.",
        "{name} cooked a soup with onions, carrots and a little salt.",
        "This {fruit} pie tastes sweet and the cream is fresh.",
    ),
    "travel": (
        "The flight to {city} leaves on {day} from gate {n}.",
        "{name} booked a hotel near the beach for {n} nights.",
        "Take the train to {city} and walk to the old castle.",
        "Our trip through {city} lasted {n} days, and the guide was kind.",
    ),
    "money": (
        "The bank raised the interest rate by {n} percent.",
        "{name} paid the rent and saved {n} dollars this month.",
        "Shares of the company fell after the report on {day}.",
        "The price of gold rose again in {city}.",
    ),
    "health": (
        "The doctor told {name} to rest and drink more water.",
        "A nurse in {city} gave the patient medicine for the pain.",
        "Sleep {n} hours and eat fruit to stay healthy.",
        "{name} has a fever and a sore throat since {day}.",
    ),
    "technology": (
        "The new phone has a faster chip and a better camera.",
        "{name} updated the software, and the computer started again.",
        "Engineers in {city} built a robot with {n} sensors.",
        "The app lost its network connection after the update.",
    ),
    "music": (
        "{name} played the guitar and sang an old song.",
        "The concert in {city} starts at {n} with a piano solo.",
        "The band will release its album on {day}.",
        "She learned the violin and joined the orchestra of {city}.",
    ),
}
_ASK = (
    "What is the topic? {text}",
    "{text}\nTopic:",
    "Classify the text: {text}",
    "Name the topic of this text in one word.\n{text}",
    "Choose one topic from {labels}.\n{text}",
)


def fill(pattern: str, rng: Random) -> str:
    """Replaces the placeholders that this module and its neighbours share."""
    return pattern.format(
        n=rng.randint(2, 40),
        m=rng.randint(0, 9),
        name=words.person(rng),
        city=rng.choice(words.CITIES),
        day=rng.choice(words.DAYS),
        fruit=rng.choice(words.FRUIT),
        thing=rng.choice(words.OBJECTS),
        place=rng.choice(words.PLACES),
    )


def make(rng: Random) -> Document:
    """One or two sentences about one topic, answered by its name."""
    topic = rng.choice(sorted(_TEXTS))
    text = " ".join(fill(p, rng) for p in rng.sample(_TEXTS[topic], rng.choice((1, 1, 2))))
    return chat(rng.choice(_ASK).format(text=text, labels=", ".join(sorted(_TEXTS))), topic)
