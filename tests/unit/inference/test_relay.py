"""A stream is passed on whole event by whole event, wherever the network cut it."""

import orjson
import pytest

from embassy.inference.relay import EventRelay
from embassy.inference.shapes import Tokens


def event(**fields: object) -> bytes:
    return b"data: " + orjson.dumps({"id": "1", "model": "dp-1-v1", **fields}) + b"\n\n"


WORD = event(choices=[{"index": 0, "text": 'he said "model":"dp-1-v1" and "choices":[]'}])
USAGE = event(choices=[], usage={"prompt_tokens": 6, "completion_tokens": 5})
DONE = b"data: [DONE]\n\n"
FAILURE = b'data: {"error":{"message":"dead","code":500}}\n\n'


def relay(*, wants_usage: bool = False) -> EventRelay:
    return EventRelay(upstream_model="dp-1-v1", model="my model", wants_usage=wants_usage)


@pytest.mark.parametrize("size", [1, 2, 7, 64, 10_000])
def test_any_cut_gives_the_same_stream(size: int) -> None:
    stream, passed = WORD * 3 + USAGE + DONE, b""
    subject = relay()

    for start in range(0, len(stream), size):
        passed += subject.feed(stream[start : start + size])

    # Only the model's own field is renamed: what it wrote stays as it is.
    assert passed == WORD.replace(b'"model":"dp-1-v1"', b'"model":"my model"', 1) * 3 + DONE
    assert subject.tokens == Tokens(6, 5)
    assert subject.is_done


def test_the_usage_event_stays_for_those_who_asked() -> None:
    assert b'"prompt_tokens":6' in relay(wants_usage=True).feed(WORD + USAGE + DONE)


def test_nothing_follows_a_failure() -> None:
    subject = relay()

    assert subject.feed(WORD + FAILURE + DONE).count(b"data:") == 1
    assert subject.failure == FAILURE.strip()
    assert not subject.is_done


def test_a_stream_without_its_end_mark_is_not_done() -> None:
    subject = relay()
    subject.feed(WORD)

    assert not subject.is_done


def test_a_stream_that_is_left_early_counts_what_was_passed_on() -> None:
    subject = relay()
    subject.feed(WORD * 3)

    assert subject.tokens == Tokens(0, 3)
