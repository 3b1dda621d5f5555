"""The stream of an uploaded file: what it digests, and what it finds damaged."""

import hashlib
import io

import pytest

from embassy.datasets.uploads.whole_file import DamagedPart, WholeFile


def digests(content: bytes, size: int) -> dict[int, str]:
    parts = [content[start : start + size] for start in range(0, len(content), size)]
    return {number: hashlib.sha256(part).hexdigest() for number, part in enumerate(parts, start=1)}


@pytest.mark.parametrize("length", [1, 9, 10, 11, 20, 25])
def test_what_arrived_as_it_was_sent(length: int) -> None:
    content = bytes(range(length))
    whole = WholeFile(io.BytesIO(content), part_bytes=10, announced=digests(content, 10))
    assert whole.buffered().read() == content
    assert (whole.sha256, whole.position) == (hashlib.sha256(content).hexdigest(), length)


@pytest.mark.parametrize("place", [0, 9, 10, 24])
def test_a_changed_byte_is_found(place: int) -> None:
    content = bytes(range(25))
    announced = digests(content, 10)
    changed = content[:place] + b"x" + content[place + 1 :]
    whole = WholeFile(io.BytesIO(changed), part_bytes=10, announced=announced)
    with pytest.raises(DamagedPart, match=f"Part {place // 10 + 1} "):
        whole.buffered().read()


def test_parts_that_were_not_announced_are_taken() -> None:
    assert WholeFile(io.BytesIO(b"abc"), part_bytes=2, announced={}).buffered().read() == b"abc"


def test_tells_after_each_piece() -> None:
    seen: list[int] = []
    whole = WholeFile(io.BytesIO(b"x" * 25), part_bytes=10, announced={})
    whole.each_piece = lambda: seen.append(whole.position)
    whole.buffered().read()
    assert seen[-1] == 25
    assert seen == sorted(seen)
