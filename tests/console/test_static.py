"""Static files: small on their way, and asked for once."""

import asyncio
import gzip
from pathlib import Path

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.test import AsyncRequestFactory, Client
from pytest_django import Settings
from servestatic.middleware import ServeStaticMiddleware

STYLE = "vendor/tabler-1.6.1.min.css"


@pytest.fixture
def collected(settings: Settings, tmp_path: Path) -> None:
    """The console's files, as `prepare` leaves them; those of other packages take their time."""
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.AppDirectoriesFinder"]
    settings.INSTALLED_APPS = ["django.contrib.staticfiles", "embassy.console.apps.ConsoleConfig"]
    settings.STATIC_ROOT = tmp_path / "static"
    call_command("collectstatic", interactive=False, verbosity=0)


def test_names_change_with_the_content(collected: None) -> None:
    address = staticfiles_storage.url(STYLE)
    assert address.startswith("/static/vendor/tabler-1.6.1.min.")
    assert address != f"/static/{STYLE}"


def test_files_are_sent_compressed_and_kept_for_ever(collected: None) -> None:
    answer, body = asyncio.run(_served(staticfiles_storage.url(STYLE)))
    assert answer.status_code == 200
    assert answer["Content-Encoding"] == "gzip"
    assert "immutable" in answer["Cache-Control"]
    assert len(body) < 100_000 < len(gzip.decompress(body))


async def _served(address: str) -> tuple[HttpResponseBase, bytes]:
    async def nothing(request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=404)

    request = AsyncRequestFactory().get(address, headers={"Accept-Encoding": "gzip"})
    answer = await ServeStaticMiddleware(nothing)(request)
    return answer, b"".join([part async for part in answer])


def test_pages_name_files_also_where_nothing_is_collected(member: Client) -> None:
    assert f"/static/{STYLE}" in member.get("/console/").content.decode()


def test_pages_are_sent_compressed_to_whoever_takes_it(member: Client) -> None:
    plain = member.get("/console/")
    packed = member.get("/console/", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed["Content-Encoding"] == "gzip"
    assert b"Start with a project" in gzip.decompress(packed.content)
    assert len(packed.content) < len(plain.content) / 2


def test_streams_are_not_held_back_to_compress_them(member: Client) -> None:
    answer = member.get("/console/usage.csv", headers={"Accept-Encoding": "gzip"})
    assert answer.streaming
    assert "Content-Encoding" not in answer.headers
