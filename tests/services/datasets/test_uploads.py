"""A file in parts, from the first to the dataset, on both storages."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from embassy.datasets import services as datasets
from embassy.datasets.models import Dataset, Upload
from embassy.datasets.states import WorkStatus
from embassy.datasets.uploads import limits, services
from embassy.datasets.uploads.check import check_at_once, check_upload
from embassy.platform.actor import Actor
from embassy.platform.errors import Conflict, InvalidInput, TooLarge
from embassy.platform.storage import S3Account, get_storage
from embassy.projects.models import Project
from tests.factories import uploads
from tests.factories.datasets import csv_bytes
from tests.fakes.s3 import running_s3

PART = 64 * 1024


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Account]:
    with running_s3(tmp_path_factory.mktemp("s3")) as account:
        yield account


@pytest.fixture(params=["files", "s3"])
def storage(request: pytest.FixtureRequest, settings: Settings) -> str:
    """The one that the settings name."""
    if request.param == "s3":
        account = request.getfixturevalue("s3")
        settings.S3_ENDPOINT_URL, settings.S3_BUCKET = account.endpoint_url, account.bucket
        settings.S3_ACCESS_KEY_ID, settings.S3_SECRET_ACCESS_KEY = (
            account.access_key_id,
            account.secret_access_key,
        )
    return str(request.param)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "part_bytes", lambda size: PART)


def many_rows(count: int = 20_000) -> bytes:
    return csv_bytes([(f"What is {n} + 0?", str(n)) for n in range(count)])


@pytest.mark.usefixtures("storage", "small_parts")
def test_parts_become_a_dataset(project: Project, actor: Actor) -> None:
    content = many_rows()
    upload = uploads.begin(project, actor, content)
    assert upload.part_count > 3
    uploads.send_all(upload, content)
    services.finish_upload(upload=upload)
    check_upload(upload.pk)
    dataset = Dataset.objects.get()
    upload.refresh_from_db()
    assert (upload.status, upload.dataset) == (WorkStatus.DONE, dataset)
    assert (dataset.row_count, dataset.original_bytes) == (20_000, len(content))
    assert get_storage().read(dataset.original_key) == content
    assert set(get_storage().list()) == {dataset.original_key, dataset.rows_key}
    assert dataset.original_sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.usefixtures("storage", "small_parts")
def test_goes_on_where_it_stopped(project: Project, actor: Actor) -> None:
    content = many_rows()
    upload = uploads.begin(project, actor, content)
    for number in (1, 3):
        uploads.send_part(upload, number, content)
    again = uploads.begin(project, actor, content)
    assert again == upload
    assert services.stored_parts(again) == [1, 3]
    with pytest.raises(Conflict, match="the first is 2"):
        services.finish_upload(upload=upload)


def test_another_file_is_another_upload(project: Project, actor: Actor) -> None:
    assert uploads.begin(project, actor, b"one") != uploads.begin(project, actor, b"other")


@pytest.mark.parametrize("size", [0, limits.MAX_BYTES + 1])
def test_sizes_that_are_refused(project: Project, actor: Actor, size: int) -> None:
    with pytest.raises((InvalidInput, TooLarge)):
        services.begin_upload(project=project, file_name="a.csv", size=size, identity="0" * 64, actor=actor)


def test_parts_stay_few_and_big_enough() -> None:
    for size in (1, 10 * limits.PART_BYTES, limits.MAX_BYTES):
        part = limits.part_bytes(size)
        assert part >= 5 * limits.MB
        assert -(-size // part) <= limits.MOST_PARTS


def test_only_parts_of_the_file_are_signed(project: Project, actor: Actor) -> None:
    upload = uploads.begin(project, actor, b"one")
    for number in (0, 2):
        with pytest.raises(InvalidInput, match="1 to 1"):
            services.sign_part(upload=upload, number=number)


@pytest.mark.usefixtures("small_parts")
def test_a_damaged_part_is_not_taken(project: Project, actor: Actor) -> None:
    content = many_rows()
    upload = uploads.begin(project, actor, content)
    assert uploads.send_part(upload, 1, content, sha256="1" * 64).status_code == 400
    assert services.stored_parts(upload) == []


@pytest.mark.usefixtures("storage", "small_parts")
def test_a_part_that_changed_in_the_storage_is_found(project: Project, actor: Actor) -> None:
    content = many_rows()
    upload = uploads.begin(project, actor, content)
    uploads.send_all(upload, content)
    upload.announced.filter(number=2).update(sha256="1" * 64)
    services.finish_upload(upload=upload)
    check_upload(upload.pk)
    upload.refresh_from_db()
    assert (upload.status, Dataset.objects.count()) == (WorkStatus.REFUSED, 0)
    assert "Part 2" in upload.reason


def test_a_bad_file_gets_a_report(
    project: Project, actor: Actor, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    content = csv_bytes([("a", ""), ("b", "2"), ("", "3")])
    upload = uploads.begin(project, actor, content)
    uploads.send_all(upload, content)
    with django_capture_on_commit_callbacks(execute=True):
        check_at_once(services.finish_upload(upload=upload))
    upload.refresh_from_db()
    assert (upload.status, Dataset.objects.count()) == (WorkStatus.REFUSED, 0)
    assert (upload.report["count"], upload.report["by_code"]) == (2, {"empty_field": 2})
    assert [problem["line"] for problem in upload.report["problems"]] == [2, 4]
    assert list(get_storage().list()) == [upload.report_key]


def test_cancelling_leaves_nothing(project: Project, actor: Actor) -> None:
    upload = uploads.begin(project, actor, b"one")
    uploads.send_all(upload, b"one")
    services.cancel_upload(upload=upload)
    assert not Upload.objects.exists()
    assert list(get_storage().list()) == []


def test_abandoned_uploads_are_purged(project: Project, actor: Actor) -> None:
    old, fresh = (uploads.begin(project, actor, content) for content in (b"old", b"fresh"))
    for upload, content in ((old, b"old"), (fresh, b"fresh")):
        uploads.send_all(upload, content)
    Upload.objects.filter(pk=old.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert services.purge() == 1
    assert list(Upload.objects.all()) == [fresh]
    assert len(list(get_storage().list())) == 1


def test_the_purge_leaves_datasets_alone(project: Project, actor: Actor) -> None:
    content = csv_bytes()
    upload = uploads.begin(project, actor, content)
    uploads.send_all(upload, content)
    check_at_once(services.finish_upload(upload=upload))
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert services.purge() == 1
    assert set(get_storage().list()) == {Dataset.objects.get().original_key, Dataset.objects.get().rows_key}


def test_a_deleted_project_takes_its_uploads_along(project: Project, actor: Actor) -> None:
    upload = uploads.begin(project, actor, b"one")
    uploads.send_all(upload, b"one")
    datasets.remove_all(project=project)
    assert (list(Upload.objects.all()), list(get_storage().list())) == ([], [])
