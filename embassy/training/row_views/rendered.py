"""Rows as the text that a chat template makes of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from embassy.datasets.rows import RawRow
from embassy.training.examples.chat import learned_spans
from embassy.training.examples.prompts import split_row
from embassy.training.examples.templates import Template
from embassy.training.row_views.reader import Reader, Reading


@dataclass(frozen=True)
class Piece:
    text: str
    is_learned: bool


@dataclass(frozen=True)
class RenderedRow:
    """`texts` are the row's texts by name, each in pieces."""

    line: int
    texts: tuple[tuple[str, tuple[Piece, ...]], ...]


def rendered_rows(reader: Reader, rows: Iterable[RawRow]) -> list[RenderedRow]:
    """Before any cut. Raises Unusable if the chat template refuses a row."""
    return [RenderedRow(row["line"], tuple(_texts(reader, row))) for row in rows]


def _texts(reader: Reader, row: RawRow) -> Iterator[tuple[str, tuple[Piece, ...]]]:
    if reader.reading is Reading.PAIR:
        yield from ((name, (Piece(row[name], False),)) for name in ("text1", "text2"))
    elif not reader.tokenizer.chat_template:
        yield "", (Piece(split_row(row)[0][-1]["content"], False),)
    else:
        yield from _templated(reader, Template(reader.tokenizer), row)


def _templated(reader: Reader, template: Template, row: RawRow) -> Iterator[tuple[str, tuple[Piece, ...]]]:
    tools = row.get("tools")
    if reader.reading is Reading.HEAD:
        yield "", (Piece(template.prompt(split_row(row)[0], tools), False),)
    elif reader.reading is Reading.PREFERENCE:
        prompt = template.prompt(row["messages"], tools)
        for name in ("chosen", "rejected"):
            text = template.text(row["messages"] + row[name], tools)
            shared = len(prompt) if text.startswith(prompt) else 0
            yield name, (Piece(text[:shared], False), Piece(text[shared:], True))
    else:
        text, spans = template.spans(row["messages"], tools)
        yield "", tuple(_pieces(text, learned_spans(row["messages"], spans)))


def _pieces(text: str, spans: Iterable[tuple[int, int]]) -> Iterator[Piece]:
    position = 0
    for start, end in spans:
        yield Piece(text[position:start], False)
        yield Piece(text[start:end], True)
        position = end
    yield Piece(text[position:], False)
