"""Background work on files of rows: whoever dies, it is done once in the end."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from embassy.datasets import work
from embassy.datasets.models import Analysis, Dataset, Upload
from embassy.datasets.states import WorkStatus
from embassy.datasets.uploads import check, services
from embassy.datasets.work import Outcome, ShuttingDown, Watch
from embassy.platform import shutdown
from embassy.platform.actor import Actor
from embassy.platform.errors import Unavailable
from embassy.projects.models import Project
from embassy.workers import schedule
from tests.factories import uploads
from tests.factories.datasets import csv_bytes, make_dataset


@pytest.fixture
def upload(project: Project, actor: Actor) -> Upload:
    """Whole, and waiting."""
    upload = uploads.begin(project, actor, csv_bytes())
    uploads.send_all(upload, csv_bytes())
    return services.finish_upload(upload=upload)


def published(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    sent: list[int] = []
    monkeypatch.setattr(work, "publish", lambda row: sent.append(row.pk))
    return sent


def test_one_at_a_time_and_the_next_is_woken(
    upload: Upload, project: Project, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    analysis = Analysis.objects.get(dataset=make_dataset(project=project, actor=actor))
    running = work.claim(Upload, upload.pk)
    assert running is not None
    assert work.claim(Analysis, analysis.pk) is None
    assert work.claim(Analysis, analysis.pk, at_once=True) is not None
    Analysis.objects.update(status=WorkStatus.WAITING, lease_until=None)
    work.give_back(running, token=running.lease_token)
    sent = published(monkeypatch)
    check.check_upload(upload.pk)
    assert sent  # the analysis that waits, or the new dataset's own


def test_a_worker_that_died_is_followed_by_another(upload: Upload) -> None:
    lost = work.claim(Upload, upload.pk)
    assert lost is not None
    Upload.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    work.reconcile()
    upload.refresh_from_db()
    assert (upload.status, upload.failures, upload.reason) == (WorkStatus.WAITING, 1, work.WORKER_LOST)
    check.check_upload(upload.pk)
    assert Dataset.objects.count() == 1


def test_a_process_that_is_gone_is_noticed_before_its_lease_ends(upload: Upload) -> None:
    assert work.claim(Upload, upload.pk) is not None
    host = Upload.objects.get().lease_owner.rpartition(":")[0]
    Upload.objects.update(lease_owner=f"{host}:999999999")
    work.reconcile()
    upload.refresh_from_db()
    assert upload.status == WorkStatus.WAITING


def test_who_lost_the_lease_makes_no_dataset(upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    real = check._read

    def slow(*arguments: Any) -> Any:
        found = real(*arguments)
        Upload.objects.update(lease_token=99)  # somebody else's now
        return found

    monkeypatch.setattr(check, "_read", slow)
    check.check_upload(upload.pk)
    upload.refresh_from_db()
    assert (upload.status, Dataset.objects.count()) == (WorkStatus.RUNNING, 0)


def test_an_upload_that_is_cancelled_meanwhile_makes_no_dataset(
    upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = check._read

    def slow(*arguments: Any) -> Any:
        found = real(*arguments)
        services.cancel_upload(upload=Upload.objects.get())
        return found

    monkeypatch.setattr(check, "_read", slow)
    check.check_upload(upload.pk)
    assert (Upload.objects.count(), Dataset.objects.count()) == (0, 0)


def test_failures_are_tried_again_and_given_up_in_the_end(
    upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*arguments: Any) -> Any:
        raise Unavailable("The object storage cannot be reached.")

    monkeypatch.setattr(check, "_read", away)
    for _ in range(work.ATTEMPTS):
        check.check_upload(upload.pk)
    upload.refresh_from_db()
    assert (upload.status, upload.failures) == (WorkStatus.FAILED, work.ATTEMPTS)
    assert "cannot be reached" in upload.reason
    assert check.check_upload(upload.pk) is None


def test_a_worker_that_stops_gives_it_back_unharmed(upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutdown, "is_announced", lambda: True)
    check.check_upload(upload.pk)
    upload.refresh_from_db()
    assert (upload.status, upload.failures) == (WorkStatus.WAITING, 0)


def test_progress_is_shown_while_it_runs(upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "PROGRESS_SECONDS", 0.0)
    seen: list[int] = []

    def do(row: Upload, watch: Watch) -> Outcome:
        watch.progress(done_bytes=7, done_rows=3)
        seen.append(Upload.objects.get(pk=row.pk).done_rows)
        raise ShuttingDown

    work.run(Upload, upload.pk, do)
    assert seen == [3]


def test_what_nobody_picked_up_is_published_again(upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    Upload.objects.update(published_at=timezone.now() - timedelta(hours=1))
    sent = published(monkeypatch)
    work.reconcile()
    assert upload.pk in sent


def test_the_timetable_mends_and_purges() -> None:
    runs = {entry.run for entry in schedule.TIMETABLE}
    assert {work.reconcile, services.purge} <= runs
