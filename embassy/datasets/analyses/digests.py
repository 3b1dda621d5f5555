"""Rows as 8-byte digests: equal ones, and ones that are alike but for case, punctuation and blanks. Pure."""

import re
import unicodedata
from array import array
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from embassy.datasets.rows import RawRow

_NOT_A_WORD = re.compile(r"[\W_]+")


def digest_of(value: Any) -> int:
    """Of anything that JSON can say."""
    return _number(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))


def near_digest_of(value: Any) -> int:
    """The same for values whose texts have the same words."""
    return digest_of(_plain(value))


def whole(row: RawRow) -> RawRow:
    """What makes a row: all but the line that it stands in."""
    return {name: value for name, value in row.items() if name != "line"}


def question(row: RawRow) -> Any:
    """What a row asks: of a conversation all before its last answer, of a pair both texts."""
    if "text1" in row:
        return [row["text1"], row["text2"]]
    messages = row["messages"]
    if "chosen" in row:
        return messages
    answers = [index for index, message in enumerate(messages) if message["role"] == "assistant"]
    return messages[: answers[-1]] if answers else messages


@dataclass
class Digests:
    """Of rows in order: 8 bytes for each of the two, and 8 for the row's line."""

    exact: "array[int]"
    near: "array[int]"
    lines: "array[int]"

    @classmethod
    def empty(cls) -> "Digests":
        return cls(array("Q"), array("Q"), array("Q"))

    def add(self, line: int, value: Any) -> None:
        self.lines.append(line)
        self.exact.append(digest_of(value))
        self.near.append(near_digest_of(value))


def repeats(digests: "array[int]") -> npt.NDArray[np.int64]:
    """For each row the index of the first row that equals it: its own, if there was none before."""
    values = np.frombuffer(digests, dtype=np.uint64) if len(digests) else np.empty(0, dtype=np.uint64)
    _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    found: npt.NDArray[np.int64] = first[inverse]
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return _NOT_A_WORD.sub(" ", unicodedata.normalize("NFKC", value).casefold()).strip()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value


def _number(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")
