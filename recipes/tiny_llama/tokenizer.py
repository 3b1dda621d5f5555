"""A byte-level BPE tokenizer of 2048 tokens."""

import re
from collections.abc import Iterator
from itertools import islice

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from recipes.tiny_llama.corpus.families import documents
from recipes.tiny_llama.template import BOS, END, EOT, TEMPLATE, render

VOCABULARY = 2048
CONTEXT_LENGTH = 1024
SEED = 1
TRAINING_DOCUMENTS = 60_000
PAD = "<|pad|>"
SPECIALS = (BOS, END, "<|start_header_id|>", "<|end_header_id|>", EOT, PAD, "<|eom_id|>", "<|python_tag|>")
# Not special, so that a server that skips special tokens still hands them to its tool parser.
MARKERS = ("<tool_call>", "</tool_call>")
# Llama 3's split, except that each digit stands alone: a model this small learns sums digit by digit.
_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def _empty() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _texts(count: int) -> Iterator[str]:
    """The texts between special tokens: role names stand alone there, and so become tokens of their own."""
    marks = re.compile("|".join(re.escape(token) for token in (*SPECIALS, *MARKERS)))
    for document in islice(documents(SEED), count):
        yield from marks.split(render(document))


def train_tokenizer(count: int = TRAINING_DOCUMENTS) -> PreTrainedTokenizerFast:
    """Trains on `count` rendered documents and returns the tokenizer with the chat template in it."""
    tokenizer = _empty()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(MARKERS),
        special_tokens=list(SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(count), trainer)
    tokenizer.add_tokens([AddedToken(marker, special=False, normalized=False) for marker in MARKERS])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A {BOS} $B", special_tokens=[(BOS, tokenizer.token_to_id(BOS))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=EOT,
        pad_token=PAD,
        padding_side="right",
        model_max_length=CONTEXT_LENGTH,
        clean_up_tokenization_spaces=False,
        chat_template=TEMPLATE,
    )
