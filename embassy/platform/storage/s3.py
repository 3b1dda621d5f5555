"""Objects in a bucket of S3, or of what speaks like it. The only module that sees boto3's exceptions."""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from embassy.platform.errors import Unavailable
from embassy.platform.storage.disposition import attachment
from embassy.platform.storage.interface import ObjectMissing, Source
from embassy.platform.storage.keys import check_folder, check_key, check_prefix
from embassy.platform.storage.pending import PendingFile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import (
        CompletedPartTypeDef,
        CopySourceTypeDef,
        HeadObjectOutputTypeDef,
        PartTypeDef,
    )

COPY_BYTES = 1024 * 1024
DELETE_BATCH = 1000
MISSING = {"404", "NoSuchKey", "NoSuchUpload", "NotFound"}

# Checksums only where S3 insists: servers that merely speak like S3 fail on the newer ones.
CLIENT = Config(
    signature_version="s3v4",
    s3={"addressing_style": "path"},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
    connect_timeout=5,
    read_timeout=60,
    retries={"mode": "standard", "max_attempts": 4},
)
# Two parts of 16 MB in memory, whatever the size of the object.
TRANSFER = TransferConfig(multipart_threshold=16 << 20, multipart_chunksize=16 << 20, max_concurrency=2)
# One request up to S3's limit for that; in parts, not every server can copy.
COPY = TransferConfig(multipart_threshold=5 << 30)


@dataclass(frozen=True)
class S3Account:
    """No endpoint means AWS; no keys mean what boto3 finds by itself (a role, a profile).

    Presigned URLs lead to the public endpoint, if there is one.
    """

    endpoint_url: str
    bucket: str
    access_key_id: str = ""
    secret_access_key: str = ""
    region: str = "us-east-1"
    public_endpoint_url: str = ""


class S3Storage:
    """See Storage. Thread-safe; not to be carried over a fork."""

    def __init__(self, account: S3Account) -> None:
        self._bucket = account.bucket
        self._client = _client(account, account.endpoint_url)
        self._signer = _client(account, account.public_endpoint_url or account.endpoint_url)

    def put(self, key: str, source: Source) -> None:
        check_key(key)
        with _errors(key):
            if isinstance(source, bytes):
                self._client.put_object(Bucket=self._bucket, Key=key, Body=source)
            elif isinstance(source, Path):
                self._client.upload_file(str(source), self._bucket, key, Config=TRANSFER)
            else:
                # boto3 closes what it is given; the stream is the caller's.
                unclosed = cast(BinaryIO, _Unclosed(source))
                self._client.upload_fileobj(unclosed, self._bucket, key, Config=TRANSFER)

    def open(self, key: str, *, start: int = 0) -> BinaryIO:
        wanted = {"Range": f"bytes={start}-"} if start else {}
        with _errors(key):
            answer = self._client.get_object(Bucket=self._bucket, Key=check_key(key), **wanted)  # type: ignore[arg-type]
        body = _Body(cast(BinaryIO, answer["Body"]), key)
        return cast(BinaryIO, io.BufferedReader(body, buffer_size=COPY_BYTES))

    def read(self, key: str) -> bytes:
        with self.open(key) as stream:
            return stream.read()

    def download(self, key: str, path: Path) -> None:
        with self.open(key) as stream, PendingFile(path, path.parent) as pending:
            while data := stream.read(COPY_BYTES):
                pending.write(data)
            pending.commit()

    def size(self, key: str) -> int:
        return self._head(key)["ContentLength"]

    def modified_at(self, key: str) -> datetime:
        return self._head(key)["LastModified"]

    def exists(self, key: str) -> bool:
        try:
            self._head(key)
        except ObjectMissing:
            return False
        return True

    def list(self, prefix: str = "") -> Iterator[str]:
        check_prefix(prefix)
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        with _errors(prefix):
            for page in pages:
                yield from (item["Key"] for item in page.get("Contents", []))

    def copy(self, source: str, target: str) -> None:
        origin: CopySourceTypeDef = {"Bucket": self._bucket, "Key": check_key(source)}
        with _errors(source):
            self._client.copy(origin, self._bucket, check_key(target), Config=COPY)

    def delete(self, key: str) -> None:
        with _errors(key):
            self._client.delete_object(Bucket=self._bucket, Key=check_key(key))

    def delete_prefix(self, prefix: str) -> int:
        keys = list(self.list(check_folder(prefix)))
        for start in range(0, len(keys), DELETE_BATCH):
            batch = keys[start : start + DELETE_BATCH]
            with _errors(prefix):
                answer = self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
                )
            if refused := answer.get("Errors"):
                raise Unavailable(f"The object storage did not delete {refused[0].get('Key')}.")
        return len(keys)

    def presigned_get(self, key: str, *, filename: str | None = None, seconds: int | None = None) -> str:
        parameters = {"Bucket": self._bucket, "Key": check_key(key)}
        if filename:
            parameters["ResponseContentDisposition"] = attachment(filename)
        return self._sign("get_object", parameters, seconds)

    def presigned_put(self, key: str, *, max_bytes: int | None = None, seconds: int | None = None) -> str:
        parameters = {"Bucket": self._bucket, "Key": check_key(key)}
        return self._sign("put_object", parameters, seconds)

    def begin_parts(self, key: str) -> str:
        with _errors(key):
            return self._client.create_multipart_upload(Bucket=self._bucket, Key=check_key(key))["UploadId"]

    def presigned_part(
        self, key: str, parts: str, number: int, *, size: int, sha256: str = "", seconds: int | None = None
    ) -> str:
        parameters = {"Bucket": self._bucket, "Key": check_key(key), "UploadId": parts, "PartNumber": number}
        return self._sign("upload_part", parameters, seconds)

    def stored_parts(self, key: str, parts: str) -> dict[int, int]:
        return {part["PartNumber"]: part["Size"] for part in self._parts(key, parts)}

    def join_parts(self, key: str, parts: str) -> None:
        wanted: list[CompletedPartTypeDef] = [
            {"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in self._parts(key, parts)
        ]
        with _errors(key):
            self._client.complete_multipart_upload(
                Bucket=self._bucket, Key=check_key(key), UploadId=parts, MultipartUpload={"Parts": wanted}
            )

    def drop_parts(self, key: str, parts: str) -> None:
        with suppress(ObjectMissing), _errors(key):
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=check_key(key), UploadId=parts)

    def _parts(self, key: str, parts: str) -> "Sequence[PartTypeDef]":
        pages = self._client.get_paginator("list_parts")
        with _errors(key):
            found = pages.paginate(Bucket=self._bucket, Key=check_key(key), UploadId=parts)
            return [part for page in found for part in page.get("Parts", [])]

    def _sign(
        self,
        method: Literal["get_object", "put_object", "upload_part"],
        parameters: Mapping[str, Any],
        seconds: int | None,
    ) -> str:
        lifetime = seconds or settings.DOWNLOAD_URL_SECONDS
        return self._signer.generate_presigned_url(method, Params=parameters, ExpiresIn=lifetime)

    def _head(self, key: str) -> "HeadObjectOutputTypeDef":
        with _errors(key):
            return self._client.head_object(Bucket=self._bucket, Key=check_key(key))


def _client(account: S3Account, endpoint_url: str) -> "S3Client":
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint_url or None,
        aws_access_key_id=account.access_key_id or None,
        aws_secret_access_key=account.secret_access_key or None,
        region_name=account.region,
        config=CLIENT,
    )


class _Body(io.RawIOBase):
    """The body of an answer as a raw stream, its errors ours."""

    def __init__(self, body: BinaryIO, key: str) -> None:
        self._body = body
        self._key = key

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        with _errors(self._key):
            data = self._body.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._body.close()
        super().close()


class _Unclosed:
    """A stream that can only be read, and gives as much as is asked for: boto3 takes less for the end."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        while 0 < len(data) < size and (more := self._stream.read(size - len(data))):
            data += more
        return data


@contextmanager
def _errors(key: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in MISSING:
            raise ObjectMissing(key) from None
        raise Unavailable(
            f"The object storage refused the request ({code}). Its settings may be wrong."
        ) from error
    except (BotoCoreError, Boto3Error) as error:
        raise Unavailable("The object storage cannot be reached at the moment. Try again soon.") from error
