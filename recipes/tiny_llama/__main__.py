"""`python -m recipes.tiny_llama --out DIR`: makes the model from nothing and measures it."""

import argparse
import json
import logging
from pathlib import Path

import torch
from transformers import LlamaForCausalLM

from recipes.tiny_llama.checksum import write_sums
from recipes.tiny_llama.evaluate import evaluate
from recipes.tiny_llama.model import export
from recipes.tiny_llama.tokenizer import train_tokenizer
from recipes.tiny_llama.train import Plan, train


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m recipes.tiny_llama", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the finished model")
    parser.add_argument("--steps", type=int, default=Plan.steps)
    parser.add_argument("--minutes", type=float, default=0.0, help="shorten the schedule to end in time")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--checkpoints", type=Path, help="folder for an export every 250 steps")
    return parser.parse_args()


def main() -> None:
    """Trains the tokenizer and the model, exports both and writes `evaluation.json` beside them."""
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(arguments.threads)
    tokenizer = train_tokenizer()

    def save(model: LlamaForCausalLM, step: int) -> None:
        if arguments.checkpoints:
            export(model, tokenizer, arguments.checkpoints / f"step-{step}")

    model = train(tokenizer, Plan(steps=arguments.steps, minutes=arguments.minutes), save)
    export(model, tokenizer, arguments.out)
    figures = evaluate(arguments.out)
    (arguments.out / "evaluation.json").write_text(json.dumps(figures, indent=2) + "\n")
    write_sums(arguments.out)


main()
