"""The corpus is the same on every run, and the fast rendering agrees with the chat template."""

from itertools import islice
from random import Random

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from recipes.tiny_llama.corpus.families import FAMILIES, documents
from recipes.tiny_llama.document import Document
from recipes.tiny_llama.template import EOT, render
from tests.unit.recipes.shipped import MODEL


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return AutoTokenizer.from_pretrained(MODEL)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_repeats_itself_for_the_same_seed(family: str) -> None:
    _, make = FAMILIES[family]
    first, second = Random(5), Random(5)

    assert [make(first) for _ in range(50)] == [make(second) for _ in range(50)]


def test_the_stream_depends_on_the_seed_alone() -> None:
    def texts(seed: int) -> list[str]:
        return [render(document) for document in islice(documents(seed), 300)]

    assert texts(1) == texts(1)
    assert texts(1) != texts(2)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_conversation_ends_with_an_answer(family: str) -> None:
    _, make = FAMILIES[family]
    rng = Random(9)
    conversations = [document for document in (make(rng) for _ in range(100)) if document.messages]

    assert all(document.messages[-1]["role"] == "assistant" for document in conversations)
    assert all(render(document).endswith(EOT) for document in conversations)


def test_the_python_rendering_is_the_templates_own(tokenizer: PreTrainedTokenizerFast) -> None:
    conversations = [document for document in islice(documents(3), 600) if document.messages]

    assert any(document.tools for document in conversations)
    for document in conversations:
        assert _through_template(document, tokenizer) == render(document)


def _through_template(document: Document, tokenizer: PreTrainedTokenizerFast) -> str:
    tools = list(document.tools) or None
    return str(tokenizer.apply_chat_template(list(document.messages), tools=tools, tokenize=False))
