"""Packing loses no token and keeps each token's weight beside it."""

from itertools import islice

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from recipes.tiny_llama.corpus.families import documents
from recipes.tiny_llama.document import chat
from recipes.tiny_llama.packing import Packer, encode
from recipes.tiny_llama.template import CONTEXT, LEARNT, render
from tests.unit.recipes.shipped import MODEL


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return AutoTokenizer.from_pretrained(MODEL)


def test_encoding_by_pieces_equals_encoding_the_whole(tokenizer: PreTrainedTokenizerFast) -> None:
    for document in islice(documents(4), 200):
        ids, weights = encode([document], tokenizer)
        assert ids == tokenizer.encode(render(document), add_special_tokens=False)
        assert len(weights) == len(ids)


def test_only_the_answer_has_full_weight(tokenizer: PreTrainedTokenizerFast) -> None:
    ids, weights = encode([chat("Hi", "Hello!")], tokenizer)

    learnt = [token for token, weight in zip(ids, weights, strict=True) if weight == LEARNT]
    assert tokenizer.decode(learnt) == "Hello!<|eot_id|>"
    assert set(weights) == {LEARNT, CONTEXT}


def test_batches_follow_each_other_without_a_gap(tokenizer: PreTrainedTokenizerFast) -> None:
    packer = Packer(documents(8), tokenizer)
    taken = [token for shape in ((2, 64), (1, 200)) for token in packer.take(*shape)[0].flatten().tolist()]

    expected, _ = encode(islice(documents(8), 2000), tokenizer)
    assert taken == expected[: len(taken)]
