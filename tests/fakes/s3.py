"""A real S3 server for tests: `rclone serve s3` on a folder."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3

from embassy.platform.storage import S3Account
from embassy.platform.storage.s3 import CLIENT

ACCESS_KEY, SECRET_KEY, BUCKET = "test-access", "test-secret", "embassy"
_LISTENING = re.compile(rb"(http://127\.0\.0\.1:\d+)")


@contextmanager
def running_s3(folder: Path) -> Iterator[S3Account]:
    """Start the server on a free port with an empty bucket; it is gone afterwards."""
    (folder / BUCKET).mkdir(parents=True)
    process = subprocess.Popen(
        [_program(), "serve", "s3", "--config", os.devnull, "--addr", "127.0.0.1:0", "--etag-hash", "",
         "--dir-cache-time", "1s", str(folder)],
        env={"RCLONE_AUTH_KEY": f'"{ACCESS_KEY},{SECRET_KEY}"', "GOMEMLIMIT": "200MiB", "HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        account = S3Account(_address(process), BUCKET, ACCESS_KEY, SECRET_KEY)
        _check(account)
        yield account
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def _program() -> str:
    beside_python = Path(sys.executable).with_name("rclone")
    found = str(beside_python) if beside_python.exists() else shutil.which("rclone")
    assert found, "rclone is missing: pip install -r requirements-dev.txt"
    return found


def _address(process: "subprocess.Popen[bytes]") -> str:
    """The address that the server prints once it listens."""
    assert process.stderr is not None
    for line in process.stderr:
        if match := _LISTENING.search(line):
            return match.group(1).decode()
    raise AssertionError("rclone ended before it listened")


def _check(account: S3Account) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=account.endpoint_url,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        region_name=account.region,
        config=CLIENT,
    )
    client.head_bucket(Bucket=BUCKET)
