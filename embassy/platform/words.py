"""Finding rows by the beginnings of the words in their names, with an index and no extension of Postgres."""

import re
from typing import Any, ClassVar, TypeVar, cast

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db.models import Func, Model, Q, QuerySet

WORD = re.compile(r"[^\W_]+")
MOST_WORDS = 8

Row = TypeVar("Row", bound=Model)


class Words(Func):
    """The words of a column; `Support_tickets-2` has three. Immutable, so that an index may hold it."""

    template = "to_tsvector('simple', regexp_replace(lower(%(expressions)s), '[^[:alnum:]]+', ' ', 'g'))"
    output_field: ClassVar[Any] = SearchVectorField()


def words_index(name: str) -> GinIndex:
    """For a model with a `name`."""
    return GinIndex(Words("name"), name=name)


def named_like(rows: "QuerySet[Row, Row]", text: str) -> "QuerySet[Row, Row]":
    """Those with a word in their name that begins with each word of the text, or whose id begins with it.

    No row for a text without a letter or digit. Needs `name`, its `words_index` and `public_id`.
    """
    words = WORD.findall(text.lower())[:MOST_WORDS]
    if not words:
        return rows.none()
    query = SearchQuery(" & ".join(f"{word}:*" for word in words), search_type="raw", config="simple")
    found = rows.alias(words=Words("name")).filter(Q(words=query) | Q(public_id__startswith=text.strip()))
    return cast("QuerySet[Row, Row]", found)
