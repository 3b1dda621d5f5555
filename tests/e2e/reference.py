"""What transformers and PEFT answer by themselves: the judge of what is served."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from tests.e2e.engines import TINY

TIE = 0.005  # two tokens whose log-probabilities differ by less may change places between two programs


@dataclass(frozen=True)
class Expected:
    """A greedy answer: `pieces` are the texts of its tokens put together so far, one more with each.

    Each token's `logprobs` is natural, and `margins` how far it is ahead of the second best.
    """

    pieces: tuple[str, ...]
    logprobs: tuple[float, ...]
    margins: tuple[float, ...]

    @property
    def text(self) -> str:
        return self.pieces[-1]

    def agrees(self, text: str) -> bool:
        """Whether this is the answer, up to where the model itself was of two minds."""
        if text == self.text:
            return True
        parted = next(place for place, piece in enumerate(self.pieces) if not text.startswith(piece))
        return self.margins[parted] < TIE


class Writer:
    """The shipped model with adapters, each under its folder's name."""

    def __init__(self, adapters: Sequence[Path]) -> None:
        self._tokenizer = AutoTokenizer.from_pretrained(TINY)
        base = AutoModelForCausalLM.from_pretrained(TINY, dtype=torch.float32)
        first, *others = adapters
        self._model = PeftModel.from_pretrained(base, first, adapter_name=first.name).eval()
        for adapter in others:
            self._model.load_adapter(adapter, adapter_name=adapter.name)

    def answer(self, adapter: str, question: str, *, tokens: int) -> Expected:
        self._model.set_adapter(adapter)
        prompt = _prompt(self._tokenizer, question)
        with torch.inference_mode():
            made = self._model.generate(
                **prompt,
                do_sample=False,
                max_new_tokens=tokens,
                output_logits=True,
                return_dict_in_generate=True,
            )
        ids = made.sequences[0, prompt["input_ids"].shape[1] :]
        best = [logits[0].log_softmax(-1).topk(2).values for logits in made.logits]
        lengths = range(1, len(ids) + 1)
        return Expected(
            pieces=tuple(self._tokenizer.decode(ids[:n], skip_special_tokens=True) for n in lengths),
            logprobs=tuple(float(top[0]) for top in best),
            margins=tuple(float(top[0] - top[1]) for top in best),
        )


def logits_of(adapter: Path, classes: int, question: str) -> list[float]:
    """What the adapter's head gives for the question."""
    base = AutoModelForSequenceClassification.from_pretrained(TINY, num_labels=classes, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, adapter).eval()
    with torch.inference_mode():
        return [
            float(logit)
            for logit in model(**_prompt(AutoTokenizer.from_pretrained(TINY), question)).logits[0]
        ]


def _prompt(tokenizer: Any, question: str) -> Any:
    return tokenizer.apply_chat_template(
        [{"role": "user", "content": question}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
