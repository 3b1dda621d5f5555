"""Sums, differences and small products."""

from random import Random

from recipes.tiny_llama.document import Document, chat

_ASK = ("{} = ?", "What is {}?", "Compute {}.", "{} =", "Calculate {}", "How much is {}?")


def make(rng: Random) -> Document:
    """One calculation, answered by the bare number or, a quarter of the time, by the whole equation."""
    limit = rng.choice((10, 20, 100, 100))
    a, b = rng.randrange(limit), rng.randrange(limit)
    match rng.choice("++--*"):
        case "+":
            expression, value = f"{a} + {b}", a + b
        case "-":
            expression, value = f"{max(a, b)} - {min(a, b)}", abs(a - b)
        case _:
            a, b = a % 11, b % 11
            expression, value = f"{a} * {b}", a * b
    if rng.random() < 0.25:
        return chat(f"Write the whole equation: {expression}", f"{expression} = {value}")
    return chat(rng.choice(_ASK).format(expression), str(value))
