"""The file endpoint in a real server: ranges, uploads, clients that vanish, and memory that stays flat."""

import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from pytest_django import Settings

from embassy.platform.storage import FileStorage
from embassy.platform.storage.links import Link
from tests.waiting import PATIENCE_S, wait_for

pytestmark = pytest.mark.processes

APPLICATION = "embassy.platform.files_app:files_app"
SECRET = "for this test only"
KEY = "datasets/ds-1/rows.jsonl"
BIG = 300 * 1024 * 1024
DEADLINE_S = 30.0


@dataclass(frozen=True)
class Server:
    url: str
    pid: int
    folder: Path

    @property
    def unfinished(self) -> list[Path]:
        return list((self.folder / ".unfinished").glob("*"))

    def resident_bytes(self) -> int:
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def open_files(self) -> list[str]:
        """What the server holds open of the stored files."""
        folder = Path(f"/proc/{self.pid}/fd")
        targets = [os.readlink(link) for link in folder.iterdir() if link.is_symlink()]
        return [target for target in targets if target.startswith(str(self.folder))]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("served")
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    environment = {
        "DJANGO_SETTINGS_MODULE": "embassy.platform.settings",
        "EMBASSY_FILES": str(folder),
        "EMBASSY_URL": url,
        "SECRET_KEY": SECRET,
    }
    options = ["--lifespan", "off", "--log-level", "warning", "--timeout-graceful-shutdown", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", APPLICATION, "--fd", str(listener.fileno()), *options],
        env={**os.environ, **environment},
        pass_fds=[listener.fileno()],
    )
    listener.close()
    try:
        wait_until(lambda: httpx.get(f"{url}/files/x").status_code == 403)
        yield Server(url, process.pid, folder)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


@pytest.fixture
def storage(server: Server, settings: Settings) -> Iterator[FileStorage]:
    """The server's storage, with links as the server would sign them."""
    settings.STORAGE_DIR, settings.PUBLIC_URL = server.folder, server.url
    settings.SECRET_KEY = SECRET
    storage = FileStorage(server.folder)
    yield storage
    storage.delete_prefix("datasets/")


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait through the server's absence too."""

    def holds() -> bool:
        try:
            return condition()
        except httpx.TransportError:
            return False

    wait_for(holds, "it to happen", seconds=DEADLINE_S)


@contextmanager
def half_request(url: str, head: str) -> Iterator[socket.socket]:
    """A connection on which a request has been begun."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(f"{head.replace('PATH', parts.path)}\r\nHost: {parts.netloc}\r\n\r\n".encode())
        yield connection


def test_a_file_with_its_headers(storage: FileStorage) -> None:
    storage.put(KEY, b"0123456789")
    answer = httpx.get(storage.presigned_get(KEY, filename="größe.jsonl"), headers={"X-Request-Id": "my-id"})
    assert (answer.status_code, answer.content) == (200, b"0123456789")
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-request-id"] == "my-id"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"gr__e.jsonl\"; filename*=UTF-8''gr%C3%B6%C3%9Fe.jsonl"
    )


def test_an_empty_file(storage: FileStorage) -> None:
    storage.put(KEY, b"")
    answer = httpx.get(storage.presigned_get(KEY))
    assert (answer.status_code, answer.content) == (200, b"")


def test_head_has_the_headers_alone(storage: FileStorage) -> None:
    storage.put(KEY, b"0123456789")
    answer = httpx.head(storage.presigned_get(KEY))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == "10"


@pytest.mark.parametrize(
    ("header", "status", "content", "content_range"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-100", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=8-100", 206, b"89", "bytes 8-9/10"),
        ("bytes=0-0", 206, b"0", "bytes 0-0/10"),
        # What HTTP wants to be ignored: several ranges, other units, nonsense.
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
        ("bytes=5-2", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
    ],
)
def test_ranges(
    storage: FileStorage, header: str, status: int, content: bytes, content_range: str | None
) -> None:
    storage.put(KEY, b"0123456789")
    answer = httpx.get(storage.presigned_get(KEY), headers={"Range": header})
    assert (answer.status_code, answer.content) == (status, content)
    assert answer.headers.get("content-range") == content_range


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=100-200", "bytes=-0"])
def test_ranges_outside_the_file(storage: FileStorage, header: str) -> None:
    storage.put(KEY, b"0123456789")
    answer = httpx.get(storage.presigned_get(KEY), headers={"Range": header})
    assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")
    assert answer.headers["content-range"] == "bytes */10"


def test_a_download_is_taken_up_again_only_if_the_file_is_the_same(storage: FileStorage) -> None:
    storage.put(KEY, b"0123456789")
    url = storage.presigned_get(KEY)
    etag = httpx.get(url).headers["etag"]
    resume = {"Range": "bytes=5-", "If-Range": etag}
    assert httpx.get(url, headers=resume).content == b"56789"
    assert httpx.get(url, headers={"If-None-Match": etag}).status_code == 304
    storage.put(KEY, b"abcdefghijklmno")
    assert httpx.get(url, headers=resume).content == b"abcdefghijklmno"


def test_errors_are_json(server: Server, storage: FileStorage) -> None:
    missing = httpx.get(storage.presigned_get(KEY))
    forged = httpx.get(storage.presigned_get(KEY)[:-1] + "x")
    stale = httpx.get(Link("GET", KEY).url(-1))
    wrong = httpx.put(storage.presigned_get(KEY), content=b"x")
    reading = httpx.get(storage.presigned_put(KEY))
    codes = [
        (answer.status_code, answer.json()["code"]) for answer in (missing, forged, stale, wrong, reading)
    ]
    assert codes == [
        (404, "file_not_found"),
        (403, "link_invalid"),
        (403, "link_expired"),
        (405, "method_not_allowed"),
        (405, "method_not_allowed"),
    ]
    assert wrong.headers["allow"] == "GET, HEAD"
    assert missing.json().keys() == {"status", "error", "code"}


def test_an_upload(storage: FileStorage) -> None:
    content = os.urandom(3_000_000)
    answer = httpx.put(storage.presigned_put(KEY, max_bytes=3_000_000), content=content)
    assert answer.status_code == 200
    assert storage.read(KEY) == content


def test_an_upload_of_unknown_length(storage: FileStorage) -> None:
    answer = httpx.put(storage.presigned_put(KEY), content=iter([b"a" * 100_000] * 20))
    assert answer.status_code == 200
    assert storage.size(KEY) == 2_000_000


def test_an_upload_that_is_announced_too_large_is_refused_before_it_is_sent(
    server: Server, storage: FileStorage
) -> None:
    url = storage.presigned_put(KEY, max_bytes=1000)
    with half_request(url, "PUT PATH HTTP/1.1\r\nContent-Length: 1001") as connection:
        connection.settimeout(DEADLINE_S)
        assert connection.recv(100).startswith(b"HTTP/1.1 413")
    assert not storage.exists(KEY)


def test_an_upload_that_grows_too_large_is_refused(server: Server, storage: FileStorage) -> None:
    storage.put(KEY, b"before")
    url = storage.presigned_put(KEY, max_bytes=1_000_000)
    with half_request(url, "PUT PATH HTTP/1.1\r\nTransfer-Encoding: chunked") as connection:
        connection.settimeout(DEADLINE_S)
        for _ in range(11):
            connection.sendall(b"186a0\r\n" + b"x" * 100_000 + b"\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 413")
    assert storage.read(KEY) == b"before"
    wait_until(lambda: server.unfinished == [])


def test_an_upload_that_breaks_off_leaves_nothing(server: Server, storage: FileStorage) -> None:
    url = storage.presigned_put(KEY)
    with half_request(url, "PUT PATH HTTP/1.1\r\nContent-Length: 10000000") as connection:
        connection.sendall(b"x" * 1_000_000)
        wait_until(lambda: len(server.unfinished) == 1)
    wait_until(lambda: server.unfinished == [])
    assert not storage.exists(KEY)


def test_a_client_that_vanishes_frees_the_file(server: Server, storage: FileStorage, tmp_path: Path) -> None:
    put_big(storage, tmp_path)
    with half_request(storage.presigned_get(KEY), "GET PATH HTTP/1.1") as connection:
        connection.recv(1000)
        wait_until(lambda: server.open_files() != [])
    wait_until(lambda: server.open_files() == [])


def test_memory_stays_flat(server: Server, storage: FileStorage, tmp_path: Path) -> None:
    digest = put_big(storage, tmp_path)
    before, peak, received = server.resident_bytes(), 0, hashlib.sha256()
    with httpx.stream("GET", storage.presigned_get(KEY)) as answer:
        for number, piece in enumerate(answer.iter_bytes(1 << 20)):
            received.update(piece)
            if number % 20 == 0:
                peak = max(peak, server.resident_bytes())
    assert received.hexdigest() == digest
    path = tmp_path / "big"
    with path.open("rb") as stream:
        assert (
            httpx.put(storage.presigned_put("datasets/back"), content=stream, timeout=60).status_code == 200
        )
    peak = max(peak, server.resident_bytes())
    assert peak - before < 40 * 1024 * 1024
    assert storage.size("datasets/back") == BIG


def put_big(storage: FileStorage, tmp_path: Path) -> str:
    """Store BIG bytes; returns their digest."""
    path, block = tmp_path / "big", os.urandom(1 << 20)
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(BIG // len(block)):
            file.write(block)
            digest.update(block)
    storage.put(KEY, path)
    return digest.hexdigest()
