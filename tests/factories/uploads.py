"""Uploads as a browser makes them, without one: parts go where the signed address says."""

import asyncio
import hashlib
from io import BytesIO

import httpx

from embassy.datasets.models import Upload
from embassy.datasets.uploads import services
from embassy.datasets.uploads.check import check_at_once
from embassy.platform.actor import Actor
from embassy.platform.files_app import files_app
from embassy.projects.models import Project

IDENTITY = "0" * 64


def begin(project: Project, actor: Actor, content: bytes, *, file_name: str = "sums.csv") -> Upload:
    return services.begin_upload(
        project=project, file_name=file_name, size=len(content), identity=IDENTITY, actor=actor
    )


def send_part(upload: Upload, number: int, content: bytes, *, sha256: str | None = None) -> httpx.Response:
    """`content` is the whole file."""
    start = (number - 1) * upload.part_bytes
    part = content[start : start + upload.part_bytes]
    digest = hashlib.sha256(part).hexdigest() if sha256 is None else sha256
    return put(services.sign_part(upload=upload, number=number, sha256=digest), part)


def send_all(upload: Upload, content: bytes) -> None:
    for number in range(1, upload.part_count + 1):
        assert send_part(upload, number, content).status_code == 200


def put(url: str, content: bytes) -> httpx.Response:
    """Over the wire for S3; our own links through the application that serves them."""
    if "/files/" not in url:
        return httpx.put(url, content=content)

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app=files_app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            return await client.put(url, content=content)

    return asyncio.run(send())


def make_refused_upload(
    project: Project, actor: Actor, content: bytes = b"input,expected_output\na,\n"
) -> Upload:
    """With a report."""
    upload = services.store_file(
        project=project, file=BytesIO(content), file_name="bad.csv", size=len(content), actor=actor
    )
    return check_at_once(upload)
