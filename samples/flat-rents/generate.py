"""Makes the sample data set of numbers: the advertisement of a flat and its monthly rent.

`python samples/flat-rents/generate.py` rewrites the data files beside it, always alike.
"""

import json
import random
from pathlib import Path
from typing import Any

SEED = 17
TRAIN_ROWS, HELDOUT_ROWS = 400, 80
NOISE = 20.0  # euros, the standard deviation of what the text does not tell

SIZES = {"tiny": 350, "small": 480, "mid-sized": 640, "large": 850, "huge": 1100}
PLACES = {
    "in the centre": 300,
    "near the park": 180,
    "by the river": 220,
    "near the station": 90,
    "in the suburbs": 0,
    "next to the motorway": -100,
}
STATES = {"newly built": 150, "renovated": 100, "well kept": 30, "old": -30, "run-down": -110}
EXTRAS = {
    "a balcony": 60,
    "a garage": 80,
    "a garden": 110,
    "a lift": 40,
    "a fitted kitchen": 70,
    "a cellar": 15,
}
SENTENCES = (
    "A {size}, {state} flat {place}{extras}.",
    "To let: {state} flat {place}, {size}{extras}.",
    "{place_first}: a {size} flat, {state}{extras}.",
)

Row = dict[str, Any]


def row(rng: random.Random) -> Row:
    """An advertisement and the rent in euros: the sum of what the words are worth, and some noise."""
    size, place, state = (rng.choice(list(choices)) for choices in (SIZES, PLACES, STATES))
    extras = rng.sample(list(EXTRAS), rng.randint(0, 3))
    rent = SIZES[size] + PLACES[place] + STATES[state] + sum(EXTRAS[extra] for extra in extras)
    text = rng.choice(SENTENCES).format(
        size=size,
        state=state,
        place=place,
        place_first=place[0].upper() + place[1:],
        extras=f", with {' and '.join(extras)}" if extras else "",
    )
    return {"prompt": text, "completion": round(rent + rng.gauss(0, NOISE))}


def split() -> tuple[list[Row], list[Row]]:
    """The train rows and the held-out rows; no text is in both."""
    rng = random.Random(SEED)
    found: dict[str, Row] = {}
    while len(found) < TRAIN_ROWS + HELDOUT_ROWS:
        made = row(rng)
        found.setdefault(made["prompt"], made)
    rows = list(found.values())
    return rows[:TRAIN_ROWS], rows[TRAIN_ROWS:]


def contents() -> dict[str, str]:
    """The text of each data file by its name."""
    train, heldout = split()
    return {
        name: "".join(json.dumps(made) + "\n" for made in rows)
        for name, rows in {"train.jsonl": train, "heldout.jsonl": heldout}.items()
    }


if __name__ == "__main__":
    for name, content in contents().items():
        (Path(__file__).parent / name).write_text(content, encoding="utf-8")
