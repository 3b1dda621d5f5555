"""One contract, two storages: files, and a real S3 server."""

import asyncio
import hashlib
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from pytest_django import Settings

from embassy.platform.errors import Unavailable
from embassy.platform.files_app import files_app
from embassy.platform.storage import FileStorage, ObjectMissing, S3Account, S3Storage, Storage, get_storage
from embassy.platform.storage.keys import BadKey
from tests.fakes.s3 import running_s3

KEY = "datasets/ds-1/rows.jsonl"
BIG = 40 * 1024 * 1024


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Account]:
    with running_s3(tmp_path_factory.mktemp("s3")) as account:
        yield account


@pytest.fixture(params=["files", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    if request.param == "files":
        yield FileStorage(tmp_path / "files")
        return
    storage = S3Storage(request.getfixturevalue("s3"))
    yield storage
    for key in list(storage.list()):
        storage.delete(key)


def fetch(url: str, method: str = "GET", **options: object) -> httpx.Response:
    """Over the wire for S3; our own links through the application that serves them."""
    if "/files/" not in url:
        return httpx.request(method, url, **options)  # type: ignore[arg-type]

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=files_app)) as client:  # type: ignore[arg-type]
            return await client.request(method, url, **options)  # type: ignore[arg-type]

    return asyncio.run(ask())


def test_what_was_put_is_read(storage: Storage) -> None:
    storage.put(KEY, b"hello")
    assert storage.read(KEY) == b"hello"
    assert storage.size(KEY) == 5
    assert storage.exists(KEY)
    assert abs(storage.modified_at(KEY) - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_put_replaces(storage: Storage) -> None:
    storage.put(KEY, b"long before")
    storage.put(KEY, b"after")
    assert storage.read(KEY) == b"after"


def test_an_empty_object(storage: Storage) -> None:
    storage.put(KEY, b"")
    assert storage.read(KEY) == b""
    assert storage.size(KEY) == 0


def test_a_path_and_a_stream_are_sources(storage: Storage, tmp_path: Path) -> None:
    path = tmp_path / "source"
    path.write_bytes(b"from a path")
    storage.put("a/path", path)
    stream = io.BytesIO(b"skipped from a stream")
    stream.seek(8)
    storage.put("a/stream", stream)
    assert storage.read("a/path") == b"from a path"
    assert storage.read("a/stream") == b"from a stream"
    assert not stream.closed


def test_a_stream_may_give_less_than_is_asked_for(storage: Storage) -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 1000))

    storage.put(KEY, Slow(b"x" * 100_500))
    assert storage.size(KEY) == 100_500


def test_a_missing_source_is_the_callers_error(storage: Storage, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        storage.put(KEY, tmp_path / "nothing")
    assert not storage.exists(KEY)


def test_a_big_object_goes_through_streams(storage: Storage, tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(os.urandom(BIG))
    with path.open("rb") as stream:
        storage.put("big", stream)
    storage.copy("big", "copies/big")
    storage.download("copies/big", tmp_path / "copy")
    digests = [hashlib.sha256(p.read_bytes()).hexdigest() for p in (path, tmp_path / "copy")]
    assert digests[0] == digests[1]


def test_a_stream_is_read_by_lines(storage: Storage) -> None:
    lines = [f'{{"line": {number}}}\n'.encode() for number in range(50_000)]
    storage.put(KEY, b"".join(lines))
    with storage.open(KEY) as stream:
        assert list(stream) == lines


def test_a_stream_may_be_left_early(storage: Storage) -> None:
    storage.put(KEY, b"x\n" * 5_000_000)
    with storage.open(KEY) as stream:
        assert stream.readline() == b"x\n"
    assert storage.size(KEY) == 10_000_000


def test_missing_objects_are_told(storage: Storage, tmp_path: Path) -> None:
    for read in (storage.open, storage.read, storage.size, storage.modified_at):
        with pytest.raises(ObjectMissing):
            read("no/such")
    with pytest.raises(ObjectMissing):
        storage.download("no/such", tmp_path / "target")
    with pytest.raises(ObjectMissing):
        storage.copy("no/such", "other")
    assert not storage.exists("no/such")
    assert not (tmp_path / "target").exists()


def test_a_folder_is_no_object(storage: Storage) -> None:
    storage.put(KEY, b"x")
    assert not storage.exists("datasets/ds-1")
    with pytest.raises(ObjectMissing):
        storage.open("datasets/ds-1")
    with pytest.raises(ObjectMissing):
        storage.size("datasets/ds-1")


def test_keys_are_listed_in_order_by_prefix(storage: Storage) -> None:
    keys = ["b", "a/b", "a/b2/c", "a.b", "a-b/c", "a/a/z", "ab"]
    for key in keys:
        storage.put(key, b"x")
    assert list(storage.list()) == sorted(keys)
    assert list(storage.list("a/")) == ["a/a/z", "a/b", "a/b2/c"]
    assert list(storage.list("a/b")) == ["a/b", "a/b2/c"]
    assert list(storage.list("none/")) == []


def test_delete_is_repeatable(storage: Storage) -> None:
    storage.put(KEY, b"x")
    storage.delete(KEY)
    storage.delete(KEY)
    assert not storage.exists(KEY)
    storage.put(KEY, b"again")
    assert storage.read(KEY) == b"again"


def test_delete_prefix_takes_all_below_and_nothing_beside(storage: Storage) -> None:
    for key in ("datasets/ds-1/a", "datasets/ds-1/b/c", "datasets/ds-10/a"):
        storage.put(key, b"x")
    assert storage.delete_prefix("datasets/ds-1/") == 2
    assert storage.delete_prefix("datasets/ds-1/") == 0
    assert list(storage.list()) == ["datasets/ds-10/a"]


@pytest.mark.parametrize("prefix", ["", "datasets/ds-1", "/", "../", "a//"])
def test_only_a_folder_can_be_deleted(storage: Storage, prefix: str) -> None:
    with pytest.raises(BadKey):
        storage.delete_prefix(prefix)


@pytest.mark.parametrize(
    "key",
    ["", "/etc/passwd", "../up", "a/../../up", "a/..", ".hidden", "a/.hidden", "a//b", "a/", "a\\b", "a\0b",
     "ü", "a b", "a\nb", "x" * 600],
)  # fmt: skip
def test_bad_keys_are_refused(storage: Storage, key: str, tmp_path: Path) -> None:
    uses = (storage.open, storage.read, storage.size, storage.exists, storage.delete, storage.presigned_get)
    for use in uses:
        with pytest.raises(BadKey):
            use(key)
    with pytest.raises(BadKey):
        storage.put(key, b"x")
    with pytest.raises(BadKey):
        storage.copy("a", key)


def test_a_presigned_get_reads_without_a_key(storage: Storage, settings: Settings, tmp_path: Path) -> None:
    settings.STORAGE_DIR = tmp_path / "files"
    storage.put(KEY, b"0123456789")
    url = storage.presigned_get(KEY, filename='Ärger "1".jsonl', seconds=60)
    answer = fetch(url)
    assert (answer.status_code, answer.content) == (200, b"0123456789")
    assert "filename*=UTF-8''%C3%84rger%20%221%22.jsonl" in answer.headers["content-disposition"]
    part = fetch(url, headers={"Range": "bytes=2-4"})
    assert part.status_code in (200, 206)  # rclone says 200
    assert part.content == b"234"


def test_a_presigned_put_writes_without_a_key(storage: Storage, settings: Settings, tmp_path: Path) -> None:
    settings.STORAGE_DIR = tmp_path / "files"
    answer = fetch(storage.presigned_put(KEY, seconds=60), "PUT", content=b"sent")
    assert answer.status_code == 200
    assert storage.read(KEY) == b"sent"


def test_a_presigned_url_is_for_one_object_and_method(
    storage: Storage, settings: Settings, tmp_path: Path
) -> None:
    settings.STORAGE_DIR = tmp_path / "files"
    storage.put(KEY, b"before")
    url = storage.presigned_get(KEY)
    assert fetch(url, "PUT", content=b"after").status_code in (403, 405)
    assert storage.read(KEY) == b"before"


def test_a_presigned_url_expires(storage: Storage, settings: Settings, tmp_path: Path) -> None:
    settings.STORAGE_DIR = tmp_path / "files"
    storage.put(KEY, b"x")
    url = storage.presigned_get(KEY, seconds=1)
    deadline = time.monotonic() + 10
    while (status := fetch(url).status_code) == 200 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert status in (400, 403)  # rclone says 400


def test_the_settings_choose(settings: Settings, s3: S3Account) -> None:
    assert isinstance(get_storage(), FileStorage)
    settings.S3_ENDPOINT_URL, settings.S3_BUCKET = s3.endpoint_url, s3.bucket
    settings.S3_ACCESS_KEY_ID, settings.S3_SECRET_ACCESS_KEY = s3.access_key_id, s3.secret_access_key
    storage = get_storage()
    assert isinstance(storage, S3Storage)
    assert get_storage() is storage
    storage.put("chosen", b"x")
    assert S3Storage(s3).read("chosen") == b"x"
    storage.delete("chosen")


def test_links_lead_to_the_public_endpoint(s3: S3Account) -> None:
    storage = S3Storage(replace(s3, public_endpoint_url="https://files.example.com"))
    storage.put("public", b"x")
    assert storage.presigned_get("public").startswith("https://files.example.com/embassy/public?")
    storage.delete("public")


def test_refused_and_unreachable_s3_are_told(s3: S3Account) -> None:
    wrong = S3Storage(S3Account(s3.endpoint_url, s3.bucket, s3.access_key_id, "wrong"))
    with pytest.raises(Unavailable, match="refused"):
        wrong.put("a", b"x")
    nobody = S3Storage(S3Account("http://127.0.0.1:9", s3.bucket, "a", "b"))
    with pytest.raises(Unavailable, match="cannot be reached"):
        nobody.read("a")


def test_a_failed_put_leaves_nothing(storage: Storage) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 3_000_000:
                raise ConnectionResetError("the uploader has gone")
            return super().read(min(size or 0, 1_000_000))

    with pytest.raises(ConnectionResetError):
        storage.put(KEY, Broken(b"x" * 10_000_000))
    assert list(storage.list()) == []
    if isinstance(storage, FileStorage):
        assert [path for path in storage.root.rglob("*") if path.is_file()] == []


def test_leftovers_of_killed_writers_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "files" / ".unfinished"
    folder.mkdir(parents=True)
    (folder / "old").write_bytes(b"x")
    (folder / "young").write_bytes(b"x")
    os.utime(folder / "old", (time.time() - 2 * 86400,) * 2)
    FileStorage(tmp_path / "files").put("a", b"x")
    assert [path.name for path in folder.iterdir()] == ["young"]


def test_deleting_leaves_no_empty_folder(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path / "files")
    storage.put("a/b/c", b"x")
    storage.delete("a/b/c")
    assert not (tmp_path / "files" / "a").exists()


def test_a_writer_that_is_killed_leaves_the_old_object(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path / "files")
    storage.put("key", b"old")
    program = (
        "import sys; from pathlib import Path; from embassy.platform.storage.files import FileStorage;"
        "FileStorage(Path(sys.argv[1])).put('key', sys.stdin.buffer)"
    )
    writer = subprocess.Popen([sys.executable, "-c", program, str(storage.root)], stdin=subprocess.PIPE)
    assert writer.stdin is not None
    writer.stdin.write(b"x" * 3_000_000)
    writer.stdin.flush()
    deadline = time.monotonic() + 30
    while not any(path.stat().st_size for path in storage.root.glob(".unfinished/*")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    writer.kill()
    writer.wait()
    assert (storage.read("key"), list(storage.list())) == (b"old", ["key"])


def test_reads_from_the_middle(storage: Storage) -> None:
    storage.put(KEY, b"0123456789")
    with storage.open(KEY, start=6) as stream:
        assert stream.read() == b"6789"


PART = b"x" * (5 * 1024 * 1024)  # S3 takes no smaller one, but for the last


def put_part(storage: Storage, parts: str, number: int, content: bytes) -> None:
    url = storage.presigned_part(KEY, parts, number, size=len(content))
    assert fetch(url, "PUT", content=content).status_code == 200


def test_parts_become_an_object(storage: Storage) -> None:
    parts = storage.begin_parts(KEY)
    put_part(storage, parts, 2, b"the end")
    put_part(storage, parts, 1, PART)
    assert storage.stored_parts(KEY, parts) == {1: len(PART), 2: 7}
    assert not storage.exists(KEY)
    storage.join_parts(KEY, parts)
    storage.drop_parts(KEY, parts)
    assert storage.read(KEY) == PART + b"the end"
    assert list(storage.list()) == [KEY]


def test_a_part_that_comes_again_replaces_the_first(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path / "files")  # S3 does the same; rclone's server cannot
    parts = storage.begin_parts(KEY)
    put_part(storage, parts, 1, b"one")
    put_part(storage, parts, 1, b"uno")
    assert storage.stored_parts(KEY, parts) == {1: 3}
    storage.join_parts(KEY, parts)
    assert storage.read(KEY) == b"uno"


def test_dropped_parts_are_gone(storage: Storage) -> None:
    parts = storage.begin_parts(KEY)
    put_part(storage, parts, 1, b"one")
    for _ in range(2):  # repeatable
        storage.drop_parts(KEY, parts)
    assert list(storage.list()) == []


def test_a_damaged_part_is_refused(settings: Settings) -> None:
    storage = FileStorage(settings.STORAGE_DIR)
    parts = storage.begin_parts(KEY)
    digest = hashlib.sha256(b"right").hexdigest()
    url = storage.presigned_part(KEY, parts, 1, size=5, sha256=digest)
    answer = fetch(url, "PUT", content=b"wrong")
    assert (answer.status_code, answer.json()["code"]) == (400, "checksum_mismatch")
    assert storage.stored_parts(KEY, parts) == {}
    assert fetch(url, "PUT", content=b"right").status_code == 200
