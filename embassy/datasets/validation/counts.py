"""What a dataset holds, in numbers."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from embassy.datasets.validation.limits import MAX_IGNORED_FIELDS


@dataclass
class Counts:
    """Characters are those of the texts, without names and brackets. A duplicate equals an earlier row."""

    rows: int = 0
    characters: int = 0
    longest_row: int = 0  # characters
    duplicates: int = 0
    shapes: Counter[str] = field(default_factory=Counter)
    ignored_fields: set[str] = field(default_factory=set)
    _digests: set[bytes] = field(default_factory=set, repr=False)

    def add(self, row: dict[str, Any], encoded: bytes, shape: str) -> None:
        """`encoded` is the row without its line, so that equal rows are equal bytes."""
        characters = sum(map(len, _texts(row)))
        self.rows += 1
        self.characters += characters
        self.longest_row = max(self.longest_row, characters)
        self.shapes[shape] += 1
        digest = blake2b(encoded, digest_size=8).digest()
        self.duplicates += digest in self._digests
        self._digests.add(digest)

    def ignore(self, names: Iterable[str]) -> None:
        """Remember fields that mean nothing to us, so that a misspelt one is seen."""
        room = MAX_IGNORED_FIELDS - len(self.ignored_fields)
        self.ignored_fields.update(name[:100] for name, _ in zip(names, range(room), strict=False))

    def as_dict(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "characters": self.characters,
            "longest_row": self.longest_row,
            "duplicates": self.duplicates,
            "shapes": dict(self.shapes),
            "ignored_fields": sorted(self.ignored_fields),
        }


def _texts(row: dict[str, Any]) -> Iterable[str]:
    for value in row.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (part["content"] for part in value if isinstance(part.get("content"), str))
