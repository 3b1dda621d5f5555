"""Tool calls as plain JSON, without the tools block: the short form."""

import json
from random import Random

from recipes.tiny_llama import words
from recipes.tiny_llama.document import Document, chat


def make(rng: Random) -> Document:
    """A function signature and a request, answered by one JSON object."""
    city, thing, count = rng.choice(words.CITIES), rng.choice(words.OBJECTS), rng.randint(1, 20)
    name = words.person(rng)
    options: tuple[tuple[str, str, dict[str, object]], ...] = (
        ("weather(city)", f"How is the weather in {city}?", {"city": city}),
        ("buy(item, count)", f"Please buy {count} of the {thing}.", {"item": thing, "count": count}),
        ("call(person)", f"I want to talk to {name}.", {"person": name}),
        ("light(room, on)", f"Turn on the light in the {thing} room.", {"room": thing, "on": True}),
        ("timer(minutes)", f"Set a timer for {count} minutes.", {"minutes": count}),
    )
    signature, request, arguments = rng.choice(options)
    answer = json.dumps({"tool": signature.split("(")[0], "args": arguments}, ensure_ascii=False)
    return chat(f"Function: {signature}\nRequest: {request}\nAnswer with JSON.", answer)
