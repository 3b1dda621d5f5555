"""Greedy exact match on fresh documents, per family."""

from itertools import islice
from pathlib import Path
from random import Random

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

from recipes.tiny_llama.corpus.families import FAMILIES, with_system
from recipes.tiny_llama.document import Document
from recipes.tiny_llama.template import EOT, pieces

SEED = 777
MOST_NEW_TOKENS = 96
# Open-ended families have no one right answer.
OPEN = frozenset({"stories", "prose"})


def _question(document: Document) -> tuple[str, str]:
    """Everything up to the last assistant turn, and that turn."""
    texts = [text for text, _ in pieces(document)]
    return "".join(texts[:-1]), texts[-1].removesuffix(EOT)


def _answer(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, prompt: str) -> str:
    inputs = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")
    with torch.inference_mode():
        output = model.generate(**inputs, do_sample=False, max_new_tokens=MOST_NEW_TOKENS)
    return str(tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))


def evaluate(folder: Path, count: int = 40) -> dict[str, float]:
    """The share of `count` fresh documents per family that the model in `folder` answers exactly."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    figures = {}
    for name, (_, generator) in FAMILIES.items():
        if name in OPEN:
            continue
        rng = Random(f"{SEED}-{name}")
        fresh = (with_system(generator(rng), rng) for _ in iter(int, 1))
        pairs = [_question(document) for document in islice(fresh, count)]
        hits = sum(_answer(model, tokenizer, prompt) == answer for prompt, answer in pairs)
        figures[name] = round(hits / count, 3)
    return figures
