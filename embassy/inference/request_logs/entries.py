"""A finished recording as the columns of its log. Pure; it runs when a batch is written."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from embassy.inference.recording import Recording
from embassy.inference.request_logs import storable, texts
from embassy.inference.request_logs.streams import assembled
from embassy.inference.spending import CLIENT_CLOSED

MAX_BYTES = 1024 * 1024  # of the request, and of the response, as JSON
MAX_TEXT = 500  # characters of what the list shows
# Who of the caller's own customers asks is nobody's business here.
LEFT_OUT = ("user", "safety_identifier", "prompt_cache_key")


class Finished(NamedTuple):
    recording: Recording
    prompt_tokens: int
    completion_tokens: int


def columns_of(finished: Finished) -> dict[str, Any]:
    """Of a RequestLog, all but its deployment."""
    recording = finished.recording
    endpoint = recording.path.removeprefix("/v1/").replace("/", ".")
    asked = {name: value for name, value in recording.request.items() if name not in LEFT_OUT}
    request, is_request_cut = _kept(asked)
    answered = _answer(recording)
    response, is_response_cut = _kept(answered)
    return {
        "key_pk": recording.key_pk,
        "request_id": recording.request_id,
        "endpoint": endpoint,
        "status": _status(recording, answered),
        "request": request,
        "response": response,
        "is_truncated": recording.is_cut or is_request_cut or is_response_cut,
        "input": texts.shortened(storable.text(texts.input_of(endpoint, asked)), MAX_TEXT),
        "output": texts.shortened(storable.text(texts.output_of(endpoint, answered)), MAX_TEXT),
        "prompt_tokens": finished.prompt_tokens,
        "completion_tokens": finished.completion_tokens,
        "milliseconds": round(recording.milliseconds, 3),
        "first_token_milliseconds": recording.first_milliseconds,
        "created_at": datetime.fromtimestamp(recording.began_at, UTC),
    }


def _answer(recording: Recording) -> dict[str, Any] | None:
    data = b"".join(recording.answer)
    if recording.is_stream:
        return assembled(data)
    if not data or recording.is_cut:
        return None
    answer: dict[str, Any] = orjson.loads(data)
    return answer


def _status(recording: Recording, answered: dict[str, Any] | None) -> int:
    """Of a stream that an error ended, the error's."""
    if not recording.is_ended:
        return CLIENT_CLOSED
    error = answered.get("error") if recording.is_stream and answered else None
    status = error.get("status") if isinstance(error, dict) else None
    return status if isinstance(status, int) else recording.status


def _kept(value: Any) -> tuple[Any, bool]:
    """The value as it can be stored; and whether it is only the beginning, because it is too large."""
    if value is None:
        return None, False
    data = orjson.dumps(value)
    if len(data) <= MAX_BYTES:
        return storable.value(value), False
    return {"truncated": storable.text(data[:MAX_TEXT].decode(errors="ignore"))}, True
