"""The client against servers that say exactly what the test wrote, over real sockets, on both event loops."""

import asyncio
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop

from embassy.inference.http_client import HIGH_WATER, ConnectError, LostError, Pool, SilenceError

# The newer way of choosing a loop is a hook, which would choose it for every asynchronous test that there is.
pytestmark = pytest.mark.filterwarnings("ignore:Overriding the .event_loop_policy. fixture")

REQUEST = b"POST /x HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi"
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
HEAD_OF_STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
WAIT_S = 10.0

Script = Callable[["Peer"], Awaitable[None]]


@pytest.fixture(params=[asyncio.DefaultEventLoopPolicy, uvloop.EventLoopPolicy], ids=["asyncio", "uvloop"])
def event_loop_policy(request: pytest.FixtureRequest) -> Any:
    return request.param()


class Peer:
    """The server's side of one connection."""

    def __init__(self, reader: StreamReader, writer: StreamWriter, number: int) -> None:
        self.reader, self.writer, self.number = reader, writer, number

    async def takes_request(self) -> None:
        await self.reader.readexactly(len(REQUEST))

    async def says(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def is_left(self) -> None:
        """Return when the client has closed."""
        try:
            while await self.reader.read(1 << 16):
                pass
        except ConnectionError:
            pass


class Server:
    def __init__(self) -> None:
        self.connections = 0
        self.address = ("127.0.0.1", 0)
        self.failures: list[BaseException] = []


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[Server]:
    state, tasks = Server(), set()

    async def connected(reader: StreamReader, writer: StreamWriter) -> None:
        state.connections += 1
        task = asyncio.current_task()
        tasks.add(task)
        try:
            await script(Peer(reader, writer, state.connections))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    state.address = server.sockets[0].getsockname()[:2]
    try:
        yield state
    finally:
        server.close()
        for task in tasks:
            task.cancel()


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    pool = Pool(connect_s=WAIT_S, keep_s=WAIT_S)
    yield pool
    pool.close()


async def exchange(pool: Pool, server: Server, silence_s: float = WAIT_S) -> tuple[int, bytes]:
    answer = await pool.send(server.address, REQUEST, silence_s=silence_s)
    try:
        return answer.status, await answer.read()
    finally:
        answer.close()


def answering(*answers: bytes) -> Script:
    """Each connection answers its requests with these, one after the other."""

    async def script(peer: Peer) -> None:
        for answer in answers:
            await peer.takes_request()
            await peer.says(answer)
        await peer.is_left()

    return script


async def test_one_connection_serves_many_requests(pool: Pool) -> None:
    async with serving(answering(PLAIN, CHUNKED, PLAIN)) as server:
        assert [await exchange(pool, server) for _ in range(3)] == [
            (200, b"hello"),
            (200, b"abcde"),
            (200, b"hello"),
        ]
        assert server.connections == 1


async def test_requests_at_once_have_connections_of_their_own(pool: Pool) -> None:
    async with serving(answering(PLAIN, PLAIN)) as server:
        await asyncio.gather(*(exchange(pool, server) for _ in range(5)))
        assert server.connections == 5
        await asyncio.gather(*(exchange(pool, server) for _ in range(5)))
        assert server.connections == 5


@pytest.mark.parametrize("whole", [PLAIN, CHUNKED], ids=["length", "chunked"])
async def test_an_answer_may_come_byte_by_byte(pool: Pool, whole: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.takes_request()
        for byte in whole:
            await peer.says(bytes([byte]))
            await asyncio.sleep(0)

    async with serving(script) as server:
        assert await exchange(pool, server) in ((200, b"hello"), (200, b"abcde"))


async def test_chunks_are_given_on_as_they_come(pool: Pool) -> None:
    seen = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.takes_request()
        await peer.says(HEAD_OF_STREAM + b"3\r\nabc\r\n")
        await seen.wait()
        await peer.says(b"2\r\nde\r\n0\r\n\r\n")
        await peer.is_left()

    async with serving(script) as server:
        answer = await pool.send(server.address, REQUEST, silence_s=WAIT_S)
        chunks = answer.chunks()
        assert await anext(chunks) == b"abc"
        seen.set()
        assert [chunk async for chunk in chunks] == [b"de"]
        answer.close()


async def test_what_the_peer_refuses_is_an_answer_too(pool: Pool) -> None:
    busy = b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"
    async with serving(answering(busy)) as server:
        answer = await pool.send(server.address, REQUEST, silence_s=WAIT_S)
        assert (answer.status, answer.retry_after, await answer.read()) == (503, "7", b"")
        answer.close()


async def test_announcements_are_passed_over(pool: Pool) -> None:
    async with serving(answering(b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN)) as server:
        assert await exchange(pool, server) == (200, b"hello")


async def test_a_connection_that_the_peer_wants_closed_is_not_used_again(pool: Pool) -> None:
    last = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    async with serving(answering(last)) as server:
        assert [await exchange(pool, server) for _ in range(2)] == [(200, b"ok")] * 2
        assert server.connections == 2


async def test_a_connection_closed_while_idle_costs_nothing(pool: Pool) -> None:
    """Whether we hear of it before we use it or only then."""

    async def script(peer: Peer) -> None:
        await peer.takes_request()
        await peer.says(PLAIN)
        if peer.number == 1:
            await peer.takes_request()  # reads the next one, and is gone
            return
        await peer.is_left()

    async with serving(script) as server:
        assert await exchange(pool, server) == (200, b"hello")
        assert await exchange(pool, server) == (200, b"hello")
        assert server.connections == 2


async def test_a_half_closed_connection_is_not_used_again(pool: Pool) -> None:
    closed = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.takes_request()
        await peer.says(PLAIN)
        if peer.number == 1:
            peer.writer.write_eof()
            await peer.is_left()  # it closes its half too
            closed.set()
        await peer.is_left()

    async with serving(script) as server:
        assert await exchange(pool, server) == (200, b"hello")
        await asyncio.wait_for(closed.wait(), WAIT_S)
        assert await exchange(pool, server) == (200, b"hello")
        assert server.connections == 2


async def test_one_that_was_idle_for_too_long_is_not_used_again() -> None:
    pool = Pool(connect_s=WAIT_S, keep_s=0)
    async with serving(answering(PLAIN, PLAIN)) as server:
        await exchange(pool, server)
        await exchange(pool, server)
        assert server.connections == 2
    pool.close()


async def test_words_that_nobody_asked_for_are_not_taken_for_an_answer(pool: Pool) -> None:
    async with serving(answering(PLAIN + PLAIN.replace(b"hello", b"false"), PLAIN)) as server:
        assert await exchange(pool, server) == (200, b"hello")
        assert await exchange(pool, server) == (200, b"hello")
        assert server.connections == 2


async def test_words_on_an_idle_connection_end_it(pool: Pool) -> None:
    ended = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.takes_request()
        await peer.says(PLAIN)
        if peer.number == 1:
            await asyncio.sleep(0.05)
            await peer.says(PLAIN.replace(b"hello", b"false"))
            await peer.is_left()
            ended.set()
        await peer.is_left()

    async with serving(script) as server:
        assert await exchange(pool, server) == (200, b"hello")
        await asyncio.wait_for(ended.wait(), WAIT_S)
        assert await exchange(pool, server) == (200, b"hello")


@pytest.mark.parametrize(
    "cut",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nCont",
        PLAIN[:-1],
        HEAD_OF_STREAM + b"3\r\nabc\r\n",
        b"no HTTP at all\r\n\r\n",
    ],
    ids=["nothing", "head", "length", "chunk", "garbage"],
)
async def test_an_answer_that_is_cut_off_is_lost(pool: Pool, cut: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.takes_request()
        await peer.says(cut)

    async with serving(script) as server:
        with pytest.raises(LostError):
            await exchange(pool, server)
        assert server.connections == 1  # the request was taken, so it is not for us to send it again


async def test_what_came_before_the_cut_is_given_on(pool: Pool) -> None:
    async def script(peer: Peer) -> None:
        await peer.takes_request()
        await peer.says(HEAD_OF_STREAM + b"3\r\nabc\r\n")

    async with serving(script) as server:
        answer = await pool.send(server.address, REQUEST, silence_s=WAIT_S)
        chunks = answer.chunks()
        assert await anext(chunks) == b"abc"
        with pytest.raises(LostError):
            await anext(chunks)
        answer.close()


async def test_nobody_there(pool: Pool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()

    with pytest.raises(ConnectError):
        await pool.send(address, REQUEST, silence_s=WAIT_S)


async def test_nobody_accepts() -> None:
    pool = Pool(connect_s=0.1, keep_s=WAIT_S)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for client in waiting:  # fill the queue that nobody empties
            client.setblocking(False)
            client.connect_ex(address)
        with pytest.raises((ConnectError, SilenceError)):
            await pool.send(address, REQUEST, silence_s=0.1)
        for client in waiting:
            client.close()
    pool.close()


@pytest.mark.parametrize("said", [b"", HEAD_OF_STREAM], ids=["nothing", "head"])
async def test_a_peer_that_says_no_more_is_left(pool: Pool, said: bytes) -> None:
    left = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.takes_request()
        await peer.says(said)
        await peer.is_left()
        left.set()

    async with serving(script) as server:
        with pytest.raises(SilenceError):
            await exchange(pool, server, silence_s=0.1)
        await asyncio.wait_for(left.wait(), WAIT_S)


@pytest.mark.parametrize("said", [b"", HEAD_OF_STREAM], ids=["before the head", "in the body"])
async def test_who_is_cancelled_leaves_the_peer(pool: Pool, said: bytes) -> None:
    asked, left = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.takes_request()
        await peer.says(said)
        asked.set()
        await peer.is_left()
        left.set()

    async with serving(script) as server:
        asking = asyncio.create_task(exchange(pool, server))
        await asyncio.wait_for(asked.wait(), WAIT_S)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(left.wait(), WAIT_S)


async def test_an_answer_left_half_read_ends_its_connection(pool: Pool) -> None:
    left = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.takes_request()
        await peer.says(HEAD_OF_STREAM + b"3\r\nabc\r\n")
        await peer.is_left()
        left.set()

    async with serving(script) as server:
        answer = await pool.send(server.address, REQUEST, silence_s=WAIT_S)
        await anext(answer.chunks())
        answer.close()
        await asyncio.wait_for(left.wait(), WAIT_S)


async def test_a_slow_reader_holds_the_peer_back_and_loses_nothing(pool: Pool) -> None:
    piece, count = b"x" * 65536, 512  # 32 MB: more than any socket's buffers
    written = 0

    async def script(peer: Peer) -> None:
        nonlocal written
        await peer.takes_request()
        await peer.says(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(piece) * count))
        for _ in range(count):
            await peer.says(piece)
            written += len(piece)
        await peer.is_left()

    async with serving(script) as server:
        answer = await pool.send(server.address, REQUEST, silence_s=WAIT_S)
        before = -1
        while written > before:  # until nothing moves any more
            before = written
            await asyncio.sleep(0.1)
        assert written < len(piece) * count
        assert answer._size < HIGH_WATER + (1 << 20)
        assert sum([len(chunk) async for chunk in answer.chunks()]) == len(piece) * count
        answer.close()
        assert server.connections == 1
