"""Makes the sample data set for training by reward: capitals, to be answered in one word.

`python samples/short-answers/generate.py` rewrites the data files beside it, always alike.
"""

import json
from collections.abc import Iterator
from pathlib import Path

CAPITALS = {
    "France": "Paris", "Germany": "Berlin", "Spain": "Madrid", "Italy": "Rome", "Austria": "Vienna",
    "Portugal": "Lisbon", "Norway": "Oslo", "Ireland": "Dublin", "Poland": "Warsaw", "Greece": "Athens",
    "Japan": "Tokyo", "China": "Beijing", "Egypt": "Cairo", "Kenya": "Nairobi", "Peru": "Lima",
    "Canada": "Ottawa", "Sweden": "Stockholm", "Finland": "Helsinki", "Denmark": "Copenhagen",
    "Hungary": "Budapest", "Belgium": "Brussels", "Russia": "Moscow", "Turkey": "Ankara", "Cuba": "Havana",
}  # fmt: skip
TRAIN = ("What is the capital of {}?", "Tell me the capital of {}.")
HELDOUT = ("Which city is the capital of {}?",)


def rows(questions: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Each question about each country, and the one word that answers it."""
    for country, city in CAPITALS.items():
        for question in questions:
            yield {"prompt": question.format(country), "completion": city}


def contents() -> dict[str, str]:
    """The text of each data file by its name."""
    files = {"train.jsonl": TRAIN, "heldout.jsonl": HELDOUT}
    return {
        name: "".join(json.dumps(row) + "\n" for row in rows(questions)) for name, questions in files.items()
    }


if __name__ == "__main__":
    for name, content in contents().items():
        (Path(__file__).parent / name).write_text(content, encoding="utf-8")
