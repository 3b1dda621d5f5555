"""Makes the sample data set of pairs: two support tickets and how much they have in common.

`python samples/ticket-pairs/generate.py` rewrites the data files beside it, always alike.
"""

import csv
import io
import random
import runpy
from pathlib import Path
from typing import NamedTuple

SEED = 19
TRAIN_ROWS, HELDOUT_ROWS = 320, 120

TICKETS = runpy.run_path(str(Path(__file__).parents[1] / "support-tickets" / "generate.py"))
QUEUES: list[str] = sorted(TICKETS["PHRASINGS"])
SAME_MATTER, SAME_QUEUE, NOTHING = 1.0, 0.6, 0.0


class Pair(NamedTuple):
    """Two tickets, and 1 for the same matter, 0.6 for the same queue, 0 for nothing in common."""

    text1: str
    text2: str
    score: float


def ticket(rng: random.Random, phrasing: str) -> str:
    parts = (rng.choice(TICKETS["OPENINGS"]), phrasing, rng.choice(TICKETS["CLOSINGS"]))
    return " ".join(part for part in parts if part).format(**TICKETS["fills"](rng))


def pair(rng: random.Random, score: float) -> Pair:
    one, other = rng.sample(QUEUES, 2)
    first, second = rng.sample(TICKETS["PHRASINGS"][one], 2)
    if score == SAME_MATTER:
        second = first
    elif score == NOTHING:
        second = rng.choice(TICKETS["PHRASINGS"][other])
    return Pair(ticket(rng, first), ticket(rng, second), score)


def split() -> tuple[list[Pair], list[Pair]]:
    """The train rows and the held-out rows; no text is in both."""
    rng = random.Random(SEED)
    found: list[Pair] = []
    seen: set[str] = set()
    while len(found) < TRAIN_ROWS + HELDOUT_ROWS:
        made = pair(rng, (SAME_MATTER, SAME_QUEUE, NOTHING, NOTHING)[len(found) % 4])
        if made.text1 != made.text2 and not seen & {made.text1, made.text2}:
            seen |= {made.text1, made.text2}
            found.append(made)
    rng.shuffle(found)
    return found[:TRAIN_ROWS], found[TRAIN_ROWS:]


def as_csv(pairs: list[Pair]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(Pair._fields)
    writer.writerows(pairs)
    return file.getvalue()


def contents() -> dict[str, str]:
    """The text of each data file by its name."""
    train, heldout = split()
    return {"train.csv": as_csv(train), "heldout.csv": as_csv(heldout)}


if __name__ == "__main__":
    for name, content in contents().items():
        (Path(__file__).parent / name).write_text(content, encoding="utf-8")
