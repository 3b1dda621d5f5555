"""Makes the sample data set of several labels: what a support ticket is about, and whether it is urgent.

`python samples/ticket-topics/generate.py` rewrites the data files beside it, always alike.
"""

import json
import random
import runpy
from pathlib import Path
from typing import Any

SEED = 13
TRAIN_ROWS, HELDOUT_ROWS = 400, 80
SHARE_OF_TWO, SHARE_OF_URGENT = 0.4, 0.4

TICKETS = runpy.run_path(str(Path(__file__).parents[1] / "support-tickets" / "generate.py"))
QUEUES: list[str] = sorted(TICKETS["PHRASINGS"])
URGENT = (
    "This is urgent.",
    "I need an answer today!",
    "Please hurry.",
    "It cannot wait until {day}.",
    "Call me at once.",
)

Row = dict[str, Any]


def row(rng: random.Random) -> Row:
    """A ticket about one or two queues' matters."""
    queues = rng.sample(QUEUES, 2 if rng.random() < SHARE_OF_TWO else 1)
    urgent = rng.random() < SHARE_OF_URGENT
    parts = [rng.choice(TICKETS["PHRASINGS"][queue]) for queue in queues]
    parts += [rng.choice(URGENT)] if urgent else []
    text = " ".join(parts).format(**TICKETS["fills"](rng))
    labels = {queue: int(queue in queues) for queue in QUEUES}
    return {"prompt": text, "completion": {**labels, "urgent": int(urgent)}}


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
        name: "".join(json.dumps(made, ensure_ascii=False) + "\n" for made in rows)
        for name, rows in {"train.jsonl": train, "heldout.jsonl": heldout}.items()
    }


if __name__ == "__main__":
    for name, content in contents().items():
        (Path(__file__).parent / name).write_text(content, encoding="utf-8")
