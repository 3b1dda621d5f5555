"""What the model in training answers to a few prompts, so that the engine's answers can be compared with it.

Finding out leaves no trace in the run: no gradient, no random number, no changed mode. Mixed precision is
left out, because it is a way to train and nothing that is served.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch.nn.utils.rnn import pad_sequence
from transformers import GenerationConfig

from embassy.training.examples.heads import tokenize_prompts
from embassy.training.examples.pairs import read_pairs
from embassy.training.examples.prompts import split_row
from embassy.training.examples.rows import Message, Row, messages, read_rows
from embassy.training.examples.templates import Template
from embassy.training.parity import LONGEST, VERSION, Answer
from embassy.training.spec import TrainingSpec

_PROBES = 4
_SHORT = 200  # tokens of a prompt
_ROWS_LOOKED_AT = 64
_ROLES = frozenset({"system", "user", "assistant"})


class References(ABC):
    """What one run's model answers. `kind` says how the answers are to be compared."""

    kind: str
    _model: Any = None

    def __init__(self, spec: TrainingSpec) -> None:
        self._spec = spec

    def watch(self, model: Any, *, fresh: bool) -> None:
        """Ask this model from now on; it is `fresh` if this run has not trained it yet."""
        self._model = model

    @property
    def watching(self) -> bool:
        return self._model is not None

    def document(self) -> dict[str, Any]:
        """The answers as they are now."""
        with undisturbed(self._model):
            probes = self._probes()
        return {
            "version": VERSION,
            "kind": self.kind,
            "precision": _precision(self._model),
            "quantized": self._spec.parameters.load_in_4bit,
            "probes": probes,
        }

    @abstractmethod
    def _probes(self) -> list[dict[str, Any]]:
        """Called with the model undisturbed."""

    def _rows(self) -> Iterator[Row]:
        """The first rows of the evaluation file, then of the training file."""
        data = self._spec.data
        return islice(chain(read_rows(data.eval), read_rows(data.train)), _ROWS_LOOKED_AT)


@dataclass(frozen=True)
class Probe:
    """A prompt, and its tokens as training renders it."""

    messages: list[Message]
    ids: Sequence[int]


class TextReferences(References):
    """Greedy answers of the model, and of what it was before training."""

    kind = "text"

    def __init__(self, spec: TrainingSpec, tokenizer: Any) -> None:
        super().__init__(spec)
        self._tokenizer = tokenizer
        self._chosen = shortened((probe, len(probe.ids)) for probe in self._candidates())
        self._before: list[Answer] | None = None

    def watch(self, model: Any, *, fresh: bool) -> None:
        super().watch(model, fresh=fresh)
        if isinstance(model, PeftModel):
            return  # without its adapter it is at any time what it was
        start = Path(self._spec.run_dir) / "parity-start.json"
        if fresh:
            with undisturbed(model):
                self._before = self._answers(model)
            start.write_text(json.dumps([asdict(answer) for answer in self._before]), encoding="utf-8")
        elif start.is_file():
            self._before = [Answer.parse(answer) for answer in json.loads(start.read_text(encoding="utf-8"))]

    def _probes(self) -> list[dict[str, Any]]:
        model = self._model
        tuned = self._answers(model)
        if isinstance(model, PeftModel) and self._before is None:
            with model.disable_adapter():
                self._before = self._answers(model)
        before: Sequence[Answer | None] = self._before or [None] * len(tuned)
        return [
            {
                "messages": probe.messages,
                "prompt_ids": list(probe.ids),
                "tuned": asdict(answer),
                "base": base and asdict(base),
            }
            for probe, answer, base in zip(self._chosen, tuned, before, strict=True)
        ]

    def _candidates(self) -> Iterator[Probe]:
        template = Template(self._tokenizer)
        for row in self._rows():
            if conversation := plain_prompt(row):
                text = template.prompt(conversation)
                yield Probe(conversation, self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _answers(self, model: Any) -> list[Answer]:
        if not self._chosen:
            return []
        model = model.get_base_model() if isinstance(model, PeftModel) else model
        ids = [torch.tensor(probe.ids) for probe in self._chosen]
        # Answers begin where prompts end: these are padded at their beginning.
        mask = pad_sequence([torch.ones_like(row) for row in ids], True, 0, "left").to(model.device)
        batch = pad_sequence(ids, True, self._tokenizer.pad_token_id, "left").to(model.device)
        with greedy(model, self._tokenizer) as ends:
            answered = model.generate(input_ids=batch, attention_mask=mask)
        tokens = answered.sequences[:, batch.shape[1] :].tolist()
        best = torch.stack(answered.logits, 1).float().log_softmax(-1).topk(2).values.tolist()
        return [_answer(row, pairs, ends) for row, pairs in zip(tokens, best, strict=True)]


class HeadReferences(References):
    """Raw outputs of a head."""

    kind = "outputs"

    def __init__(self, spec: TrainingSpec, tokenizer: Any) -> None:
        super().__init__(spec)
        self._tokenizer = tokenizer
        self._chosen = shortened((probe, len(probe.ids)) for probe in self._candidates())

    def _probes(self) -> list[dict[str, Any]]:
        if not self._chosen:
            return []
        ids = [torch.tensor(probe.ids, device=self._model.device) for probe in self._chosen]
        outputs = self._model(
            input_ids=pad_sequence(ids, True, self._tokenizer.pad_token_id),
            attention_mask=pad_sequence([torch.ones_like(row) for row in ids], True),
        ).logits.float()
        rows = zip(self._chosen, outputs.tolist(), strict=True)
        return [{"messages": probe.messages, "outputs": row} for probe, row in rows]

    def _candidates(self) -> Iterator[Probe]:
        longest = self._spec.parameters.max_length
        for row in self._rows():
            conversation = plain_prompt(row)
            if conversation is None:
                continue
            [example] = tokenize_prompts(self._tokenizer, [row], longest, lambda _: None)
            if not example.truncated:
                yield Probe(conversation, [int(token) for token in example.ids])


class VectorReferences(References):
    """Embeddings."""

    kind = "vectors"

    def __init__(self, spec: TrainingSpec, tokenizer: Any, longest: int) -> None:
        super().__init__(spec)
        pairs = list(read_pairs(tokenizer, self._rows(), longest))
        whole = [pair for pair in pairs if pair.problem is None and not pair.truncated]
        self._chosen: list[str] = shortened(
            (text, pair.full_length) for pair in whole for text in (pair.first, pair.second)
        )

    def _probes(self) -> list[dict[str, Any]]:
        if not self._chosen:
            return []
        vectors = self._model.encode(self._chosen, show_progress_bar=False).tolist()
        return [{"text": text, "vector": vector} for text, vector in zip(self._chosen, vectors, strict=True)]


def plain_prompt(row: Row) -> list[Message] | None:
    """What a row asks, if it is made of nothing but texts; None without, or with tools."""
    asked = messages(row) if "chosen" in row else split_row(row)[0]
    if not asked or row.get("tools") or any(message["role"] not in _ROLES for message in asked):
        return None
    if any(message.get("tool_calls") for message in asked):
        return None
    return [{"role": message["role"], "content": message["content"]} for message in asked]


def shortened(candidates: Iterable[tuple[Any, int]]) -> list[Any]:
    """The first few that are short and not alike; if all are long, the shortest. Lengths in tokens."""
    distinct: list[tuple[Any, int]] = []
    for candidate in candidates:
        if candidate not in distinct:
            distinct.append(candidate)
    short = [item for item, length in distinct if length <= _SHORT]
    return short[:_PROBES] or [item for item, _ in sorted(distinct, key=lambda pair: pair[1])[:1]]


@contextmanager
def undisturbed(model: Any) -> Iterator[None]:
    """Ask a model in training as if it were served; afterwards all is as it was."""
    modes = [(module, module.training) for module in model.modules()]
    mixed = vars(model).pop("forward", None)  # what accelerate puts around it to train in mixed precision
    model.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng():
            yield
    finally:
        for module, mode in modes:
            module.training = mode
        if mixed is not None:
            model.forward = mixed


@contextmanager
def greedy(model: Any, tokenizer: Any) -> Iterator[frozenset[int]]:
    """Have it say the likeliest tokens, whatever its settings are. Gives the tokens that end an answer."""
    settings = model.generation_config
    named = settings.eos_token_id
    ends = {tokenizer.eos_token_id, *(named if isinstance(named, list) else [named])} - {None}
    model.generation_config = GenerationConfig(
        max_new_tokens=LONGEST,
        do_sample=False,
        use_cache=True,
        eos_token_id=sorted(ends),
        pad_token_id=tokenizer.pad_token_id,
        output_logits=True,
        return_dict_in_generate=True,
    )
    try:
        yield frozenset(ends)
    finally:
        model.generation_config = settings


def _answer(tokens: list[int], best: list[list[float]], ends: frozenset[int]) -> Answer:
    """Up to the token that ends it; `best` are the log-probabilities of the two best tokens at each place."""
    length = next((index + 1 for index, token in enumerate(tokens) if token in ends), len(tokens))
    return Answer(
        ids=tuple(tokens[:length]),
        logprobs=tuple(first for first, _ in best[:length]),
        margins=tuple(first - second for first, second in best[:length]),
    )


def _precision(model: Any) -> str:
    """Of the weights: "float32", "bfloat16" …"""
    kind = next(weight.dtype for weight in model.parameters() if weight.is_floating_point())
    return str(kind).removeprefix("torch.")
