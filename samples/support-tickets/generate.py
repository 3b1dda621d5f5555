"""Makes the sample data set: support tickets and the queue that each belongs to.

`python samples/support-tickets/generate.py` rewrites the data files beside it, always alike.
"""

import csv
import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

SEED = 7
TRAIN_ROWS, HELDOUT_ROWS = 400, 100

PHRASINGS: dict[str, tuple[str, ...]] = {
    "billing": (
        "I was charged twice for order {order}.",
        "The invoice for {month} shows {amount}, but I agreed to pay less.",
        "Please send me a receipt for the payment of {amount}.",
        "My card was declined when I tried to pay for the {product}.",
        "There is a fee of {amount} on my bill that I do not know.",
        "You took {amount} from my bank, although I cancelled in {month}.",
        "When will I get the refund for order {order}?",
        "The discount was not taken off the price of the {product}.",
        "Can I pay for order {order} by bank transfer?",
        "The tax number on the invoice from {month} is wrong.",
    ),
    "shipping": (
        "Order {order} has not arrived yet.",
        "The {product} was sent to the wrong city, it should go to {city}.",
        "The package was damaged, and the {product} inside is broken.",
        "When will the {product} be delivered to {city}?",
        "The tracking page of order {order} has not changed since {day}.",
        "I got the wrong parcel: I ordered a {product}.",
        "The driver left my {product} at a neighbour in {city}.",
        "Can you deliver order {order} on {day} instead?",
        "Only half of order {order} was in the box.",
        "How long does it take to send a {product} to {city}?",
    ),
    "account": (
        "I cannot log in, and my password does not work.",
        "Please change my e-mail address to {mail}.",
        "The reset link sent to {mail} has expired.",
        "I want to delete my profile and all my data.",
        "Someone else logged in to my profile on {day}.",
        "How do I add a second user, {name}, to our team?",
        "My user name still shows my old family name, please write {name}.",
        "I did not get the code to confirm {mail}.",
        "My login has been locked since {day}.",
        "Please join my two profiles, the other one is {mail}.",
    ),
    "technical": (
        "The {product} does not turn on any more.",
        "The app closes each time I open the settings.",
        "The {product} loses its network connection after {n} minutes.",
        "I get error {error} when I upload a file.",
        "Since the update on {day} the {product} is very slow.",
        "The screen of my {product} stays black.",
        "How do I connect the {product} to my computer?",
        "The website shows error {error} on every page.",
        "The battery of the {product} is empty after {n} minutes.",
        "The {product} makes a loud noise when I start it.",
    ),
}
OPENINGS = ("Hello,", "Hi,", "Dear team,", "Good morning,", "Hi, this is {name}.", "", "")
CLOSINGS = (
    "Please help.",
    "Thank you, {name}",
    "Thanks!",
    "Can you look into it?",
    "Regards, {name}",
    "",
    "",
)

FIRST = """
    Anna Ben Clara David Emma Felix Grace Henry Ines Jonas Maria Noah Olga Paul Rosa Sam Tina Victor
    Nina Omar
"""
LAST = """
    Smith Miller Brown Jones Garcia Weber Klein Rossi Novak Silva Khan Patel Lee Kim Tanaka Berg Larsen
    Moreau
"""
CITIES = """
    Paris London Berlin Madrid Rome Vienna Lisbon Oslo Dublin Prague Warsaw Zurich Hamburg Boston
    Toronto
"""
PRODUCTS = """
    laptop phone camera printer monitor keyboard headset speaker router tablet kettle toaster heater
    blender lamp
"""
MONTHS = "January February March April May June July August September October November December"
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"


class Ticket(NamedTuple):
    """A customer's text and the queue it belongs to."""

    text: str
    queue: str


def fills(rng: random.Random) -> dict[str, str]:
    """Random values for all placeholders."""
    first, last = rng.choice(FIRST.split()), rng.choice(LAST.split())
    return {
        "name": f"{first} {last}",
        "mail": f"{first}.{last}{rng.randint(1, 99)}@mail.example".lower(),
        "order": f"{rng.choice(('#', 'ORD-', 'SO-'))}{rng.randint(10000, 99999)}",
        "amount": f"{rng.choice('$€£')}{rng.randint(5, 400)}{rng.choice(('', '.50', '.99'))}",
        "product": rng.choice(PRODUCTS.split()),
        "city": rng.choice(CITIES.split()),
        "month": rng.choice(MONTHS.split()),
        "day": rng.choice(DAYS.split()),
        "error": str(rng.choice((400, 401, 403, 404, 409, 413, 500, 502, 503, 504))),
        "n": str(rng.randint(2, 50)),
    }


def ticket(rng: random.Random, queue: str) -> Ticket:
    """One ticket for a queue: perhaps an opening, one complaint, perhaps a closing."""
    parts = (rng.choice(OPENINGS), rng.choice(PHRASINGS[queue]), rng.choice(CLOSINGS))
    text = " ".join(part for part in parts if part)
    return Ticket(text.format(**fills(rng)), queue)


def tickets(count: int, rng: random.Random) -> list[Ticket]:
    """`count` different tickets, equally many for each queue, in random order."""
    found: dict[str, Ticket] = {}
    queues = sorted(PHRASINGS)
    while len(found) < count:
        made = ticket(rng, queues[len(found) % len(queues)])
        found.setdefault(made.text, made)
    rows = list(found.values())
    rng.shuffle(rows)
    return rows


def split() -> tuple[list[Ticket], list[Ticket]]:
    """The train rows and the held-out rows; no text is in both."""
    rng = random.Random(SEED)
    rows = tickets(TRAIN_ROWS + HELDOUT_ROWS, rng)
    return rows[:TRAIN_ROWS], rows[TRAIN_ROWS:]


def as_jsonl(rows: Iterable[Ticket]) -> str:
    """One JSON object with `prompt` and `completion` per line."""
    lines = (json.dumps({"prompt": row.text, "completion": row.queue}, ensure_ascii=False) for row in rows)
    return "".join(f"{line}\n" for line in lines)


def write_csv(path: Path, rows: Iterable[Ticket]) -> None:
    """The same rows with the columns `input` and `expected_output`."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("input", "expected_output"))
        writer.writerows(rows)


def main() -> None:
    """Writes the data files beside this script."""
    folder = Path(__file__).parent
    train, heldout = split()
    (folder / "train.jsonl").write_text(as_jsonl(train), encoding="utf-8")
    (folder / "heldout.jsonl").write_text(as_jsonl(heldout), encoding="utf-8")
    write_csv(folder / "train.csv", train)


if __name__ == "__main__":
    main()
