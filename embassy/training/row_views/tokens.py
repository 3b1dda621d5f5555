"""Rows as tokens, each with whether the loss looks at it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from embassy.datasets.rows import RawRow
from embassy.training.examples.chat import IGNORED, Example, Tokens, tokenize_rows
from embassy.training.examples.errors import Unusable
from embassy.training.examples.heads import HeadExample, tokenize_prompts
from embassy.training.examples.pairs import read_pairs
from embassy.training.examples.preferences import Preference, tokenize_preferences
from embassy.training.examples.summary import REASONS, Counted
from embassy.training.row_views.reader import Reader, Reading


@dataclass(frozen=True)
class Token:
    id: int
    text: str
    is_learned: bool
    is_special: bool


@dataclass(frozen=True)
class Sequence:
    """One of the row's token lists; `name` tells them apart where there are several."""

    name: str
    tokens: tuple[Token, ...]

    @property
    def learned(self) -> int:
        return sum(token.is_learned for token in self.tokens)


@dataclass(frozen=True)
class TokenRow:
    """`full_length` is before the cut. `target` is what a head learns. `problem` is a sentence, or empty."""

    line: int
    sequences: tuple[Sequence, ...]
    full_length: int
    is_cut: bool
    target: str
    problem: str


def token_rows(reader: Reader, rows: Iterable[RawRow]) -> list[TokenRow]:
    """Exactly what a trainer would be given. Raises Unusable if the chat template refuses a row."""
    rows = list(rows)
    examples = examples_of(reader, rows)
    return [_shown(reader, row, example) for row, example in zip(rows, examples, strict=True)]


def examples_of(reader: Reader, rows: Iterable[RawRow]) -> Iterator[Counted]:
    """What the trainer makes of the rows, by its own functions."""
    tokenizer, longest = reader.tokenizer, reader.max_length
    match reader.reading:
        case Reading.ANSWERS:
            return tokenize_rows(tokenizer, rows, longest)
        case Reading.HEAD:
            return tokenize_prompts(tokenizer, rows, longest, lambda answer: None)
        case Reading.PREFERENCE:
            return tokenize_preferences(tokenizer, rows, longest)
        case Reading.PAIR:
            return read_pairs(tokenizer, rows, min(longest, reader.model.context_length))


def _shown(reader: Reader, row: RawRow, example: Counted) -> TokenRow:
    reason = REASONS.get(example.problem or "", example.problem or "")
    return TokenRow(
        line=example.line,
        sequences=tuple(_sequences(reader, row, example)),
        full_length=example.full_length,
        is_cut=example.truncated,
        target=example.answer if isinstance(example, HeadExample) else _score(row),
        problem=f"Nothing is learned from this row: {reason}." if reason else "",
    )


def _sequences(reader: Reader, row: RawRow, example: Counted) -> Iterator[Sequence]:
    if isinstance(example, Example):
        learned = [label != IGNORED for label in example.labels.tolist()]
        # The first token has nothing before it that could predict it.
        yield Sequence("", _tokens(reader, example.ids, [False, *learned[1:]]))
    elif isinstance(example, Preference):
        yield Sequence("prompt", _tokens(reader, example.prompt))
        yield Sequence("chosen", _tokens(reader, example.chosen, [True] * len(example.chosen)))
        yield Sequence("rejected", _tokens(reader, example.rejected, [True] * len(example.rejected)))
    elif isinstance(example, HeadExample):
        yield Sequence("", _tokens(reader, example.ids))
    else:
        for name in ("text1", "text2"):
            yield Sequence(name, _tokens(reader, _cut(reader, reader.tokenizer(row[name])["input_ids"])))


def _cut(reader: Reader, ids: list[int]) -> list[int]:
    """As tokenizers cut a text: a separator at its end stays."""
    longest = min(reader.max_length, reader.model.context_length)
    if len(ids) <= longest or ids[-1] not in reader.tokenizer.special_ids:
        return ids[:longest]
    return [*ids[: longest - 1], ids[-1]]


def _tokens(
    reader: Reader, ids: "Tokens | list[int]", learned: list[bool] | None = None
) -> tuple[Token, ...]:
    tokenizer = reader.tokenizer
    numbers = [int(number) for number in ids]
    return tuple(
        Token(number, tokenizer.piece(number), is_learned, number in tokenizer.special_ids)
        for number, is_learned in zip(numbers, learned or [False] * len(numbers), strict=True)
    )


def _score(row: RawRow) -> str:
    return f"{row['score']:g}" if "score" in row else ""


__all__ = ["Sequence", "Token", "TokenRow", "Unusable", "examples_of", "token_rows"]
