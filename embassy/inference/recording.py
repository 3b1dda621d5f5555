"""One request on its way through the gateway, as far as its log needs it. Nothing is parsed here."""

import time
from typing import Any

# Of a stream's events, which are some fifty times as long as what they say.
MAX_PIECES_BYTES = 8 * 1024 * 1024
COMMENT = b":"


class Recording:
    """`request` is the body. Times are UNIX seconds, and milliseconds since the body was here.

    `size` is in bytes and counts request and answer. `status` 0: no answer began.
    """

    __slots__ = (
        "_began",
        "answer",
        "began_at",
        "deployment_pk",
        "first_milliseconds",
        "is_cut",
        "is_ended",
        "is_stream",
        "key_pk",
        "milliseconds",
        "path",
        "request",
        "request_id",
        "size",
        "status",
    )

    def __init__(
        self,
        *,
        deployment_pk: int,
        key_pk: int | None,
        path: str,
        request_id: str,
        request: dict[str, Any],
        size: int,
    ) -> None:
        self.deployment_pk = deployment_pk
        self.key_pk = key_pk
        self.path = path
        self.request_id = request_id
        self.request = request
        self.size = size
        self.answer: list[bytes] = []
        self.status = 0
        self.is_stream = False
        self.is_ended = False
        self.is_cut = False
        self.began_at = time.time()
        self.milliseconds = 0.0
        self.first_milliseconds: float | None = None
        self._began = time.monotonic()

    def whole(self, status: int, body: bytes) -> None:
        self.status, self.is_ended = status, True
        self._keep(body)

    def stream_begins(self) -> None:
        self.status, self.is_stream = 200, True

    def piece(self, events: bytes) -> None:
        if self.first_milliseconds is None and not events.startswith(COMMENT):
            self.first_milliseconds = self._elapsed()
        self._keep(events)

    def stream_ends(self) -> None:
        self.is_ended = True

    def closed(self) -> None:
        self.milliseconds = self._elapsed()

    def _keep(self, data: bytes) -> None:
        if self.size > MAX_PIECES_BYTES:
            self.is_cut = True
            return
        self.answer.append(data)
        self.size += len(data)

    def _elapsed(self) -> float:
        return (time.monotonic() - self._began) * 1000
