"""A pooled HTTP/1.1 client for POSTs to engines: asyncio's protocols and httptools, nothing else.

It costs half of what a general client does (docs/decisions/0003). What it does not do: TLS, redirects,
cookies, compression, proxies, answers without a length.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from typing import Any

import httptools

HIGH_WATER = 256 * 1024  # bytes that wait for a slow reader before the peer is told to pause
Address = tuple[str, int]


class ConnectError(Exception):
    """Nobody took the request."""


class LostError(Exception):
    """The connection ended, or made no sense, before the answer was whole."""

    def __init__(self, *, heard: bool) -> None:
        super().__init__()
        self.heard = heard  # whether any byte of an answer had come


class SilenceError(Exception):
    """No byte came for too long."""


class Connection(asyncio.Protocol):
    """One connection, with at most one request on it; `answer` is what has come of that one's answer.

    `idle_since` is on the monotonic clock.
    """

    def __init__(self, pool: "Pool", address: Address) -> None:
        self.address = address
        self.answer: Answer | None = None
        self.idle_since = 0.0
        self.is_lost = False
        self._pool = pool
        self._transport: Any = None

    def send(self, data: bytes, silence_s: float) -> "Answer":
        self.answer = Answer(self, silence_s)
        self._transport.write(data)
        return self.answer

    def finish(self) -> None:
        """The answer is not wanted any further: keep the connection if that is possible."""
        answer, self.answer = self.answer, None
        if answer is not None and answer.leaves_connection_open and not self.is_lost:
            answer.let_flow()
            self._pool.give_back(self)
        else:
            self.abort()

    def abort(self) -> None:
        self.is_lost = True
        if self._transport is not None:
            self._transport.abort()

    def pause(self) -> None:
        self._transport.pause_reading()

    def resume(self) -> None:
        if not self.is_lost:
            self._transport.resume_reading()

    # --- asyncio.Protocol ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._pool.know(self)

    def data_received(self, data: bytes) -> None:
        if self.answer is None or self.answer.is_whole:
            self.abort()  # nobody asked: whatever it is, it must not be taken for the next answer
            return
        try:
            self.answer.feed(data)
        except httptools.HttpParserError:
            self.abort()
            self.answer.lost()

    def eof_received(self) -> bool:
        return False  # a half-closed connection is of no use: close our half too

    def connection_lost(self, error: Exception | None) -> None:
        self.is_lost = True
        self._pool.forget(self)
        if self.answer is not None:
            self.answer.lost()


class Answer:
    """An answer as it comes in. `feed` is called by the connection, all else by the one who asked."""

    def __init__(self, connection: Connection, silence_s: float) -> None:
        self.status = 0
        self.retry_after: str | None = None
        self.is_whole = False
        self.leaves_connection_open = False
        self._connection = connection
        self._silence_s = silence_s
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: list[bytes] = []
        self._size = 0
        self._heard = False
        self._is_lost = False
        self._has_head = False
        self._is_paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._waits_since = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def head(self) -> None:
        """Return once `status` is known. Raises LostError, SilenceError."""
        while not self._has_head:
            await self._more()

    async def read(self) -> bytes:
        """The whole body. Raises LostError, SilenceError."""
        return b"".join([piece async for piece in self.chunks()])

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises LostError, SilenceError."""
        while piece := await self.more():
            yield piece

    async def more(self) -> bytes:
        """What has come of the body since; nothing at its end. Raises LostError, SilenceError."""
        while not self._pieces:
            if self.is_whole:
                return b""
            await self._more()
        return self._taken()

    async def settle(self, seconds: float) -> None:
        """All was said that matters: wait so long for its formal end, so that the connection can be kept."""
        if not self.is_whole:
            with suppress(TimeoutError, LostError, SilenceError):
                async with asyncio.timeout(seconds):
                    while await self.more():
                        pass

    def close(self) -> None:
        """If not all of it came, that ends the connection, and so the peer's work."""
        if self._timer is not None:
            self._timer.cancel()
        if self._connection.answer is self:
            self._connection.finish()

    def _taken(self) -> bytes:
        pieces, self._pieces, self._size = self._pieces, [], 0
        self.let_flow()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _more(self) -> None:
        """Return when something has come."""
        if self._is_lost:
            raise LostError(heard=self._heard)
        loop = asyncio.get_running_loop()
        self._waiter, self._waits_since = loop.create_future(), loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._silence_s, self._look_at_clock)
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _look_at_clock(self) -> None:
        """One timer for all the pieces of an answer: one for each would cost as much as the piece."""
        loop = asyncio.get_running_loop()
        left = self._silence_s
        if self._waiter is not None:
            left += self._waits_since - loop.time()
            if left <= 0:
                if not self._waiter.done():
                    self._waiter.set_exception(SilenceError())
                return
        self._timer = loop.call_later(left, self._look_at_clock)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # --- called by the connection ---------------------------------------------------------------------

    def let_flow(self) -> None:
        if self._is_paused:
            self._is_paused = False
            self._connection.resume()

    def feed(self, data: bytes) -> None:
        self._heard = True
        self._parser.feed_data(data)
        if self._size > HIGH_WATER and not self._is_paused:
            self._is_paused = True
            self._connection.pause()
        if self._has_head:
            self._wake()

    def lost(self) -> None:
        self._is_lost = not self.is_whole
        self._wake()

    # --- called by the parser -------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self.is_whole:
            self.leaves_connection_open = False
            raise ValueError("an answer to no request")

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"retry-after":
            self.retry_after = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self._has_head = self.status >= 200  # 100 to 199 only announce the answer

    def on_body(self, data: bytes) -> None:
        self._pieces.append(data)
        self._size += len(data)

    def on_message_complete(self) -> None:
        self.is_whole = self._has_head
        # To be asked now: after this the parser knows nothing of this answer any more.
        self.leaves_connection_open = self.is_whole and bool(self._parser.should_keep_alive())


class Pool:
    """Connections by address. `keep_s`: an idle one is not used after so many seconds."""

    def __init__(self, *, connect_s: float, keep_s: float) -> None:
        self._connect_s = connect_s
        self._keep_s = keep_s
        self._idle: dict[Address, deque[Connection]] = {}
        self._open: set[Connection] = set()  # idle or not

    @property
    def addresses(self) -> set[Address]:
        """Where there is a connection now."""
        return {connection.address for connection in self._open}

    def cut(self, addresses: Collection[Address]) -> None:
        """End what is open to these: whoever waits there for an answer loses it."""
        for connection in [one for one in self._open if one.address in addresses]:
            connection.abort()

    async def send(self, address: Address, data: bytes, *, silence_s: float) -> Answer:
        """Send a request; return when the answer's status is known. Close the answer in the end.

        Raises ConnectError, LostError, SilenceError.
        """
        if (idle := self._take(address)) is not None:
            # The peer may close a connection at the very moment that we use it again: that costs nothing.
            with suppress(_Stale):
                return await _ask(idle, data, silence_s, is_reused=True)
        return await _ask(await self._connected(address), data, silence_s, is_reused=False)

    def give_back(self, connection: Connection) -> None:
        connection.idle_since = time.monotonic()
        self._idle.setdefault(connection.address, deque()).append(connection)

    def know(self, connection: Connection) -> None:
        self._open.add(connection)

    def forget(self, connection: Connection) -> None:
        self._open.discard(connection)
        idle = self._idle.get(connection.address)
        if idle is None:
            return
        with suppress(ValueError):
            idle.remove(connection)
        if not idle:
            del self._idle[connection.address]

    def close(self) -> None:
        for idle in list(self._idle.values()):
            for connection in list(idle):
                connection.abort()
        self._idle.clear()

    def _take(self, address: Address) -> Connection | None:
        """The one that was used last; those that were idle for too long are closed meanwhile."""
        idle = self._idle.get(address)
        oldest = time.monotonic() - self._keep_s
        while idle:
            connection = idle.pop()
            if connection.idle_since > oldest and not connection.is_lost:
                return connection
            connection.abort()
        self._idle.pop(address, None)
        return None

    async def _connected(self, address: Address) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_s):
                _, connection = await loop.create_connection(lambda: Connection(self, address), *address)
        except OSError as error:  # a TimeoutError is one too
            raise ConnectError from error
        return connection


class _Stale(Exception):
    """The peer had closed this connection before it read the request."""


async def _ask(connection: Connection, data: bytes, silence_s: float, *, is_reused: bool) -> Answer:
    answer = connection.send(data, silence_s)
    try:
        await answer.head()
    except LostError as error:
        answer.close()
        if is_reused and not error.heard:
            raise _Stale from error
        raise
    except BaseException:
        answer.close()
        raise
    return answer
