"""One page of a data set's rows: as a table, as the chat template renders them, or as tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from embassy.catalog.base_model import BaseModel
from embassy.console.presenters.rows import ShownRow, shown_row
from embassy.datasets.models import Dataset
from embassy.datasets.selectors import rows_from
from embassy.platform.errors import EmbassyError, InvalidInput
from embassy.training.examples.errors import Unusable
from embassy.training.row_views.reader import READINGS, Reader, Reading, make_reader, readers_models
from embassy.training.row_views.rendered import RenderedRow, rendered_rows
from embassy.training.row_views.tokens import Token, TokenRow, token_rows

VIEWS = {"table": "Table", "rendered": "Rendered", "tokens": "Tokens and loss mask"}
PER_PAGE = {"table": 25, "rendered": 10, "tokens": 10}
MOST_TOKENS = 600  # of one sequence that are drawn; the rest is counted
MAX_LENGTH = 131_072
TITLES = {
    Reading.ANSWERS: "Text generation: answers are learned",
    Reading.HEAD: "Classification, regression: a head is learned",
    Reading.PREFERENCE: "DPO: two answers are compared",
    Reading.PAIR: "Embedding: two texts are compared",
}


@dataclass(frozen=True)
class Wanted:
    """What the address asks for, still unchecked."""

    view: str
    page: int
    model: str
    reading: str
    max_length: str

    @classmethod
    def of(cls, query: Mapping[str, Any]) -> "Wanted":
        view, page = str(query.get("view", "")), str(query.get("page", ""))
        return cls(
            view=view if view in VIEWS else "table",
            page=int(page) if page.isascii() and page.isdigit() and len(page) < 12 else 1,
            model=str(query.get("model", "")),
            reading=str(query.get("as", "")),
            max_length=str(query.get("max_length", "")),
        )


@dataclass(frozen=True)
class ShownSequence:
    name: str
    tokens: tuple[Token, ...]
    count: int
    learned: int

    @property
    def hidden(self) -> int:
        return self.count - len(self.tokens)


@dataclass(frozen=True)
class ShownTokens:
    row: TokenRow
    sequences: tuple[ShownSequence, ...]


@dataclass(frozen=True)
class RowsPage:
    """`error` is a sentence instead of the rows. Pages are numbered from 1."""

    wanted: Wanted
    page: int
    pages: int
    first: int
    last: int
    models: list[BaseModel]
    readings: dict[str, str]
    reader: Reader | None = None
    table: tuple[ShownRow, ...] = ()
    rendered: tuple[RenderedRow, ...] = ()
    tokens: tuple[ShownTokens, ...] = ()
    error: str = ""

    @property
    def before(self) -> int | None:
        return self.page - 1 if self.page > 1 else None

    @property
    def after(self) -> int | None:
        return self.page + 1 if self.page < self.pages else None

    @property
    def views(self) -> dict[str, str]:
        return VIEWS


def rows_page(dataset: Dataset, wanted: Wanted) -> RowsPage:
    """Only the rows of this page are read."""
    each = PER_PAGE[wanted.view]
    pages = max(1, -(-dataset.row_count // each))
    page = min(max(1, wanted.page), pages)
    first = (page - 1) * each
    readings = READINGS[dataset.kind]
    reading = next((one for one in readings if one == wanted.reading), readings[0])
    shown: dict[str, Any] = {
        "wanted": wanted,
        "page": page,
        "pages": pages,
        "first": first + 1,
        "last": min(first + each, dataset.row_count),
        "models": readers_models(reading) if wanted.view != "table" else [],
        "readings": {one.value: TITLES[one] for one in readings},
    }
    try:
        return RowsPage(**shown, **_content(dataset, wanted, reading, shown["models"], first, each))
    except EmbassyError as error:
        return RowsPage(**shown, error=error.message)
    except Unusable as error:
        return RowsPage(**shown, error=error.sentence)


def _content(
    dataset: Dataset, wanted: Wanted, reading: Reading, models: list[BaseModel], first: int, each: int
) -> dict[str, Any]:
    """Raises EmbassyError or Unusable where the rows cannot be read so."""
    rows = rows_from(dataset, first, each)
    if wanted.view == "table":
        return {"table": tuple(map(shown_row, rows))}
    if not models and not wanted.model:
        raise InvalidInput("No base model that reads such rows is on this machine.")
    reader = make_reader(wanted.model or models[0].name, reading, _length(wanted.max_length))
    if wanted.view == "rendered":
        return {"reader": reader, "rendered": tuple(rendered_rows(reader, rows))}
    return {"reader": reader, "tokens": tuple(map(_shown, token_rows(reader, rows)))}


def _length(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 7 and 8 <= int(text) <= MAX_LENGTH):
        raise InvalidInput(f"Longest row: a number of tokens from 8 to {MAX_LENGTH:,}.")
    return int(text)


def _shown(row: TokenRow) -> ShownTokens:
    sequences = (
        ShownSequence(one.name, tuple(map(_visible, one.tokens[:MOST_TOKENS])), len(one.tokens), one.learned)
        for one in row.sequences
    )
    return ShownTokens(row, tuple(sequences))


def _visible(token: Token) -> Token:
    """Line breaks are tokens like others, and should be seen."""
    return replace(token, text=token.text.replace("\n", "↵\n"))
