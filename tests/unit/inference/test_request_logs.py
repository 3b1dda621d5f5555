"""Parts of the request logs that need no rows: streams, texts, what can be stored, and the queue."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embassy.inference.database import Database
from embassy.inference.recording import MAX_PIECES_BYTES, Recording
from embassy.inference.request_logs import book, entries, services, storable, texts
from embassy.inference.request_logs.entries import Finished, columns_of
from embassy.inference.request_logs.streams import assembled
from embassy.inference.routing import RouteTable
from embassy.inference.spending import Spent
from embassy.platform.errors import Unavailable

T = TypeVar("T")

PLAIN = "emb_" + "a1" * 4 + "_" + "b2" * 20


def events(*data: Any, end: bytes = b"data: [DONE]\n\n") -> bytes:
    return b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in data) + end


def delta(index: int = 0, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    choice = {"index": index, "delta": fields, "finish_reason": finish}
    return {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


# --- Streams --------------------------------------------------------------------------------------------


def test_a_stream_becomes_the_plain_answer() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    data = events(
        delta(role="assistant", content=""),
        delta(content="Hel"),
        delta(content="lo"),
        delta(finish="stop"),
        {"id": "c-1", "choices": [], "usage": usage},
    )

    assert assembled(b": waking\n\n" + data) == {
        "id": "c-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "usage": usage,
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
        ],
    }


def test_choices_and_calls_are_kept_apart() -> None:
    def call(index: int, **function: str) -> dict[str, Any]:
        return {"index": index, "id": f"call-{index}" if "name" in function else None, "function": function}

    data = events(
        delta(1, content="b"),
        delta(0, tool_calls=[call(0, name="f", arguments="")]),
        delta(0, tool_calls=[call(0, arguments='{"x"'), call(1, name="g", arguments="{}")]),
        delta(0, tool_calls=[call(0, arguments=":1}")], finish="tool_calls"),
    )

    first, second = assembled(data)["choices"]
    assert [(made["id"], made["function"]) for made in first["message"]["tool_calls"]] == [
        ("call-0", {"name": "f", "arguments": '{"x":1}'}),
        ("call-1", {"name": "g", "arguments": "{}"}),
    ]
    assert second["message"]["content"] == "b"


def test_an_error_event_is_kept() -> None:
    error = {"status": 503, "error": "It stopped.", "code": "engine_lost"}

    answer = assembled(events(delta(content="Hel"), error, end=b""))

    assert answer["error"] == error
    assert texts.output_of(texts.CHAT, answer) == "It stopped."


@given(words=st.lists(st.text()), cut=st.integers(0, 500))
def test_a_stream_may_be_cut_off_anywhere(words: list[str], cut: int) -> None:
    data = events(*(delta(content=word) for word in words))

    assert "".join(words).startswith(said_in(assembled(data[:cut])))
    assert said_in(assembled(data)) == "".join(words)


def said_in(answer: dict[str, Any]) -> str:
    return str(answer["choices"][0]["message"]["content"]) if answer["choices"] else ""


@given(st.binary(max_size=200))
def test_any_bytes_are_taken(data: bytes) -> None:
    assert "choices" in assembled(b"data: " + data)


# --- Texts ----------------------------------------------------------------------------------------------

anything = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize("endpoint", ["chat.completions", "completions", "classification", "embeddings"])
@given(value=anything)
def test_no_request_is_too_odd_to_be_shown(endpoint: str, value: Any) -> None:
    request = {"messages": [value, {"role": "user", "content": value}], "prompt": value, "input": value}

    assert isinstance(texts.input_of(endpoint, request), str)
    assert isinstance(texts.input_of(endpoint, {"messages": value}), str)


def test_what_is_shown_of_each_kind() -> None:
    chat = [{"role": "user", "content": "first"}, {"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]
    assert texts.input_of(texts.CHAT, {"messages": chat}) == "ab"
    assert texts.input_of(texts.COMPLETIONS, {"prompt": ["a", "b"]}) == '["a","b"]'
    assert texts.output_of(texts.CLASSIFICATION, {"data": [{"probs": {"a": 0.2, "b": 0.8}}]}) == "b"
    assert texts.output_of(texts.REGRESSION, {"data": [{"value": 0.0}]}) == "0"
    assert texts.output_of("embeddings", {"data": [{"embedding": [1.0]}]}) == ""
    call = {"choices": [{"message": {"content": None, "tool_calls": [{"id": "c"}]}}]}
    assert texts.output_of(texts.CHAT, call) == '[{"id":"c"}]'
    assert texts.output_of(texts.CHAT, None) == ""


# --- What can be stored ---------------------------------------------------------------------------------


@given(value=anything)
def test_what_is_stored_is_what_was_said(value: Any) -> None:
    stored = storable.value(value)

    assert "\\u0000" not in orjson.dumps(stored).decode().replace("\\\\", "")
    if "\0" not in repr(value) and "\\x00" not in repr(value):
        assert stored == value


def test_keys_are_taken_out_wherever_they_stand() -> None:
    stored = storable.value({"a": [f"my {PLAIN}, yes"], PLAIN: 1})

    assert stored == {"a": ["my emb_a1a1a1a1_…, yes"], "emb_a1a1a1a1_…": 1}


def test_depth_has_an_end() -> None:
    deep: Any = "x"
    for _ in range(1_000):
        deep = [deep]

    assert orjson.dumps(storable.value(deep)).count(b"[") == storable.MAX_DEPTH


# --- Entries --------------------------------------------------------------------------------------------


def recording(request: dict[str, Any] | None = None, size: int = 100) -> Recording:
    return Recording(
        deployment_pk=1,
        key_pk=2,
        path="/v1/completions",
        request_id="rq-1",
        request=request or {"model": "m", "prompt": "Hello"},
        size=size,
    )


def test_a_long_stream_is_kept_in_part() -> None:
    made = recording()
    made.stream_begins()
    piece = events({"choices": [{"index": 0, "text": "x" * 1_000}]}, end=b"")
    for _ in range(2 * MAX_PIECES_BYTES // len(piece)):
        made.piece(piece)
    made.stream_ends()
    made.closed()

    columns = columns_of(Finished(made, 1, 2))

    assert made.size < MAX_PIECES_BYTES + 2 * len(piece)
    assert columns["is_truncated"]
    assert len(columns["response"]["truncated"]) == entries.MAX_TEXT
    assert columns["output"].startswith("xxx")


def test_the_first_token_is_no_comment() -> None:
    made = recording()
    made.stream_begins()
    made.piece(b": waking\n\n")
    assert made.first_milliseconds is None

    made.piece(events({"choices": []}))
    assert made.first_milliseconds is not None


def test_nobody_waited_for_an_answer_that_never_began() -> None:
    made = recording()
    made.closed()

    columns = columns_of(Finished(made, 0, 0))

    assert (columns["status"], columns["response"], columns["output"]) == (499, None, "")


# --- The queue ------------------------------------------------------------------------------------------


class Here:
    """A database that writes where it is called; away if told so."""

    is_away = False

    async def run(self, function: Callable[[], T]) -> T:
        if self.is_away:
            raise Unavailable("Away.") from OSError()
        return function()

    def close(self) -> None: ...


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    ids: list[str] = []
    monkeypatch.setattr(
        services, "write", lambda *, finished: ids.extend(entry.recording.request_id for entry in finished)
    )
    return ids


def take(log_book: book.LogBook, *sizes: int) -> None:
    for size in sizes:
        log_book._take(recording(size=size), Spent())


def make_book(database: Database) -> book.LogBook:
    return book.LogBook(RouteTable(database), database)


async def test_what_does_not_fit_is_dropped_and_told(
    written: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(book, "MAX_WAITING", 3)
    log_book = make_book(Here())
    take(log_book, *[1] * 5)

    with caplog.at_level(logging.WARNING):
        await log_book.flush()

    assert len(written) == 3
    assert [(record.message, record.__dict__["fields"]) for record in caplog.records] == [
        ("request_logs.dropped", {"count": 2})
    ]
    take(log_book, 1)
    await log_book.flush()
    assert len(written) == 4


async def test_memory_is_bounded_by_bytes_too(written: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "MAX_WAITING_BYTES", 1_000)
    log_book = make_book(Here())
    take(log_book, 600, 600, 300)

    await log_book.flush()

    assert len(written) == 2
    take(log_book, 900)
    await log_book.flush()
    assert len(written) == 3


async def test_nothing_is_lost_while_the_database_is_away(
    written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book, "BATCH", 2)
    database = Here()
    log_book = make_book(database)
    take(log_book, *[1] * 5)
    database.is_away = True

    await log_book.flush()
    assert written == []

    database.is_away = False
    await log_book.flush()
    assert len(written) == 5
