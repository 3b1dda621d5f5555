"""`/files/<signed token>`: GET (with ranges), HEAD and PUT of stored files, as a raw ASGI application.

Django's own FileResponse reads a whole file into memory under ASGI, and its uploads are spooled to disk
before a view may refuse them. Here a piece of a file is read or written at a time, and nothing outlives
the client. Only for files that we serve ourselves: the links of an S3 bucket lead to S3.
"""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from email.utils import formatdate
from typing import Any

import orjson
from django.conf import settings

from embassy.platform.byte_range import ByteRange, Unsatisfiable, parse_range
from embassy.platform.error_bodies import render
from embassy.platform.errors import EmbassyError
from embassy.platform.middleware import incoming_request_id
from embassy.platform.storage import FileStorage
from embassy.platform.storage.disposition import attachment
from embassy.platform.storage.links import PATH, Link, read_token

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PIECE_BYTES = 1024 * 1024


class MethodNotAllowed(EmbassyError):
    status = 405
    code = "method_not_allowed"


class BodyTooLarge(EmbassyError):
    status = 413
    code = "too_large"


class BodyDamaged(EmbassyError):
    status = 400
    code = "checksum_mismatch"


class RangeNotSatisfiable(EmbassyError):
    status = 416
    code = "range_not_satisfiable"


class Disconnected(Exception):
    """The client has gone; there is nobody to answer."""


async def files_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers every request whose path starts with `/files/`."""
    exchange = Exchange(scope, receive, send)
    with suppress(Disconnected):
        try:
            await exchange.handle()
        except EmbassyError as error:
            await exchange.fail(error)


class Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._path: str = scope["path"]
        self._method: str = scope["method"]
        self._headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self._receive = receive
        self._send = send
        self._request_id = incoming_request_id(self._headers.get("x-request-id"))
        self._storage = FileStorage(settings.STORAGE_DIR)

    async def handle(self) -> None:
        link = read_token(self._path.removeprefix(PATH))
        allowed = ("GET", "HEAD") if link.method == "GET" else ("PUT",)
        if self._method not in allowed:
            raise MethodNotAllowed(
                f"This link is for {' and '.join(allowed)}.", details={"allow": list(allowed)}
            )
        if link.method == "PUT":
            await self._put(link)
        else:
            await self._get(link)

    async def fail(self, error: EmbassyError) -> None:
        status, body = render(self._path, error)
        content = orjson.dumps(body)
        # What the client may still be sending is not read: the connection cannot be used again.
        headers = {"content-type": "application/json", "connection": "close"}
        if isinstance(error, MethodNotAllowed):
            headers["allow"] = ", ".join(error.details["allow"])
        if isinstance(error, RangeNotSatisfiable):
            headers["content-range"] = f"bytes */{error.details['size']}"
        await self._start(status, {**headers, "content-length": str(len(content))})
        await self._send({"type": "http.response.body", "body": b"" if self._method == "HEAD" else content})

    # --- reading ------------------------------------------------------------------------------------

    async def _get(self, link: Link) -> None:
        with await asyncio.to_thread(self._storage.open, link.key) as stream:
            await self._answer(link, stream.fileno())

    async def _answer(self, link: Link, descriptor: int) -> None:
        stat = os.fstat(descriptor)
        etag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
        headers = {
            "accept-ranges": "bytes",
            "cache-control": "private, max-age=0",
            "content-disposition": attachment(link.filename or link.key.rpartition("/")[2]),
            "content-type": "application/octet-stream",
            "etag": etag,
            "last-modified": formatdate(stat.st_mtime, usegmt=True),
            "x-content-type-options": "nosniff",
        }
        if self._headers.get("if-none-match") == etag:
            await self._finish(304, headers)
            return
        wanted = self._wanted(etag, stat.st_size)
        part = wanted or ByteRange(0, stat.st_size)
        headers["content-length"] = str(part.length)
        if wanted:
            headers["content-range"] = f"bytes {part.start}-{part.stop - 1}/{stat.st_size}"
        await self._start(206 if wanted else 200, headers)
        await self._stream(descriptor, part if self._method == "GET" else ByteRange(0, 0))

    def _wanted(self, etag: str, size: int) -> ByteRange | None:
        """The part that the client asks for; None for all."""
        if self._headers.get("if-range", etag) != etag:
            return None
        try:
            return parse_range(self._headers.get("range", ""), size)
        except Unsatisfiable:
            sentence = f"The file has {size} bytes: there is nothing in the range that was asked for."
            raise RangeNotSatisfiable(sentence, details={"size": size}) from None

    async def _stream(self, descriptor: int, part: ByteRange) -> None:
        gone = asyncio.create_task(self._disconnected())
        try:
            position = part.start
            while position < part.stop and not gone.done():
                wanted = min(PIECE_BYTES, part.stop - position)
                piece = await asyncio.to_thread(os.pread, descriptor, wanted, position)
                if not piece:  # cut short on disk: without the end of the body, the client sees it too
                    return
                position += len(piece)
                await self._send({"type": "http.response.body", "body": piece, "more_body": True})
            await self._send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()

    async def _disconnected(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    # --- writing ------------------------------------------------------------------------------------

    async def _put(self, link: Link) -> None:
        self._check_size(link, int(self._headers.get("content-length", "0")))
        with await asyncio.to_thread(self._storage.receive, link.key) as pending:
            size, digest = 0, hashlib.sha256()
            while (piece := await self._piece()) is not None:
                size += len(piece)
                self._check_size(link, size)
                await asyncio.to_thread(pending.write, piece)
                if link.sha256:
                    await asyncio.to_thread(digest.update, piece)
            if link.sha256 and digest.hexdigest() != link.sha256:
                raise BodyDamaged("The bytes are not those that were announced. Send them again.")
            await asyncio.to_thread(pending.commit)
        await self._finish(200, {"content-length": "0"})

    def _check_size(self, link: Link, size: int) -> None:
        if link.max_bytes is not None and size > link.max_bytes:
            raise BodyTooLarge(f"The file is larger than the {link.max_bytes} bytes that this link takes.")

    async def _piece(self) -> bytes | None:
        """The next piece of the body; None after the last one."""
        if self._body_ended:
            return None
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        self._body_ended = not message.get("more_body", False)
        return bytes(message.get("body", b""))

    _body_ended = False

    # --- answering ----------------------------------------------------------------------------------

    async def _start(self, status: int, headers: Mapping[str, str]) -> None:
        every = {**headers, "x-request-id": self._request_id}
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in every.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def _finish(self, status: int, headers: Mapping[str, str]) -> None:
        await self._start(status, headers)
        await self._send({"type": "http.response.body", "body": b""})
