"""The messages between a client and its child's warden."""

import os

import pytest

from embassy.platform.forkserver import linux
from embassy.platform.forkserver.protocol import MAX_LINE_BYTES, Lines, ProtocolError, Request

REQUEST = Request(argv=["a"], env={"B": "c"}, cwd="/", log="/l", grace_s=1.0)


def test_a_request_survives_the_journey() -> None:
    assert Request.from_message(REQUEST.to_message()) == REQUEST


@pytest.mark.parametrize("message", [{}, {"argv": []}, REQUEST.to_message() | {"more": 1}])
def test_a_request_with_missing_or_unknown_fields(message: dict[str, object]) -> None:
    with pytest.raises(ProtocolError, match="bad request"):
        Request.from_message(message)


def test_messages_are_cut_at_lines_wherever_the_bytes_break() -> None:
    lines = Lines()
    data = b'{"a":1}\n{"b":2}\n{"c":3}\n'
    seen = [message for byte in data for message in lines.feed(bytes([byte]))]
    assert seen == list(Lines().feed(data)) == [{"a": 1}, {"b": 2}, {"c": 3}]


@pytest.mark.parametrize("data", [b"nonsense\n", b"[1]\n", b"\xff\n", b"x" * (MAX_LINE_BYTES + 1)])
def test_nonsense_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(Lines().feed(data))


def test_a_process_is_known_by_pid_and_start_time() -> None:
    started = linux.start_time(os.getpid())
    assert started is not None
    assert linux.is_running(os.getpid(), started)
    assert not linux.is_running(os.getpid(), started - 1)
    assert os.getpid() in linux.descendants(os.getppid())
