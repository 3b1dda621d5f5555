"""Encodes documents and packs them end to end."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice

import torch
from transformers import PreTrainedTokenizerFast

from recipes.tiny_llama.document import Document
from recipes.tiny_llama.template import pieces

_CHUNK = 2000
Batch = tuple[torch.Tensor, torch.Tensor]


def encode(
    documents: Iterable[Document], tokenizer: PreTrainedTokenizerFast
) -> tuple[list[int], list[float]]:
    """Token ids of all documents in a row, and the loss weight of each token."""
    cut = list(chain.from_iterable(pieces(document) for document in documents))
    encodings = tokenizer.backend_tokenizer.encode_batch([text for text, _ in cut], add_special_tokens=False)
    ids: list[int] = []
    weights: list[float] = []
    for encoding, (_, weight) in zip(encodings, cut, strict=True):
        ids += encoding.ids
        weights += [weight] * len(encoding.ids)
    return ids, weights


class Packer:
    """Hands out batches of any shape from one endless stream; a document may be cut at a row's end."""

    def __init__(self, documents: Iterator[Document], tokenizer: PreTrainedTokenizerFast) -> None:
        self._documents = documents
        self._tokenizer = tokenizer
        self._ids = torch.empty(0, dtype=torch.long)
        self._weights = torch.empty(0)

    def _fill(self, count: int) -> None:
        while len(self._ids) < count:
            ids, weights = encode(islice(self._documents, _CHUNK), self._tokenizer)
            self._ids = torch.cat([self._ids, torch.tensor(ids)])
            self._weights = torch.cat([self._weights, torch.tensor(weights)])

    def take(self, rows: int, length: int) -> Batch:
        """Ids and weights of shape (rows, length)."""
        count = rows * length
        self._fill(count)
        ids, weights = self._ids[:count].view(rows, length), self._weights[:count].view(rows, length)
        self._ids, self._weights = self._ids[count:], self._weights[count:]
        return ids, weights
