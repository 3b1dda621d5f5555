"""The families of documents, their weights, and the stream that mixes them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from random import Random

from recipes.tiny_llama.corpus import (
    arithmetic,
    comparing,
    conversation,
    copying,
    extraction,
    facts,
    fewshot,
    letters,
    lookup,
    prose,
    refusal,
    sentiment,
    sequences,
    stories,
    toolcalls,
    tools,
    topics,
    yesno,
)
from recipes.tiny_llama.document import Document

Generator = Callable[[Random], Document]

FAMILIES: Mapping[str, tuple[int, Generator]] = {
    "arithmetic": (12, arithmetic.make),
    "extract_text": (7, extraction.make_text),
    "extract_json": (7, extraction.make_json),
    "lookup": (9, lookup.make),
    "copy": (9, copying.make),
    "topic": (9, topics.make),
    "facts": (9, facts.make),
    "sentiment": (8, sentiment.make),
    "few_shot": (8, fewshot.make),
    "tool_json": (3, toolcalls.make),
    "tools": (3, tools.make),
    "stories": (6, stories.make),
    "yes_no": (5, yesno.make),
    "compare": (4, comparing.make_compare),
    "sequence": (4, sequences.make),
    "letters": (4, letters.make),
    "prose": (4, prose.make),
    "conversation": (4, conversation.make),
    "sort": (3, comparing.make_sort),
    "refusal": (1, refusal.make),
}
SYSTEM_SHARE = 0.25
SYSTEM_PROMPTS = (
    "You are a helpful assistant.",
    "You are a helpful assistant. Answer briefly.",
    "Answer in as few words as possible.",
    "You are tiny-llama-instruct, a very small language model.",
    "Follow the instructions exactly.",
    "You work for a shop and answer customers.",
    "Be short and precise.",
)


def with_system(document: Document, rng: Random) -> Document:
    """Puts a system prompt before a quarter of the conversations."""
    if not document.messages or rng.random() >= SYSTEM_SHARE:
        return document
    system = {"role": "system", "content": rng.choice(SYSTEM_PROMPTS)}
    return replace(document, messages=(system, *document.messages))


def documents(seed: int) -> Iterator[Document]:
    """An endless stream, the same for the same seed."""
    rng = Random(seed)
    generators = [generator for _, generator in FAMILIES.values()]
    weights = [weight for weight, _ in FAMILIES.values()]
    while True:
        for generator in rng.choices(generators, weights, k=256):
            yield with_system(generator(rng), rng)
