"""Death of any process in the middle of a merge: another one does it again, and nothing is left over."""

import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from embassy.platform.storage import get_storage
from embassy.training import merges, services
from embassy.training.models import Checkpoint, Merge
from embassy.training.states import MergeStatus
from embassy.training.supervisor import merger, run_merge
from tests.factories.projects import make_actor
from tests.factories.training import make_checkpoint, make_job
from tests.waiting import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

ROOT = Path(__file__).resolve().parents[2]
LEASE_SECONDS = 2


@pytest.fixture
def environment(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Of processes that share the test's database and folders."""
    monkeypatch.setattr(merger, "PROGRAM", "tests.fakes.merger")
    settings.LEASE_SECONDS = LEASE_SECONDS
    database = dict(connection.settings_dict)
    address = f"host={database['HOST']}&port={database['PORT']}"
    return {
        "DJANGO_SETTINGS_MODULE": "embassy.platform.settings",
        "DATABASE_URL": f"postgresql://{database['USER']}:{database['PASSWORD']}@/{database['NAME']}?{address}",
        "EMBASSY_FILES": str(settings.STORAGE_DIR),
        "EMBASSY_CACHE": str(settings.CACHE_DIR),
        "EMBASSY_LEASE_SECONDS": str(LEASE_SECONDS),
    }


@pytest.fixture
def checkpoint() -> Checkpoint:
    return make_checkpoint(make_job())


@pytest.fixture
def merge(checkpoint: Checkpoint) -> Merge:
    asked = merges.merge_checkpoint(checkpoint=checkpoint, actor=make_actor())
    assert asked is not None
    return asked


@pytest.fixture
def supervisor(
    environment: dict[str, str], merge: Merge, tmp_path: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that does the merge, whose program hangs in its first attempt."""
    script(hang=True, until=1)
    with (tmp_path / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.supervise_merge", str(merge.pk)],
            cwd=ROOT,
            env=os.environ | environment,
            stdout=log,
            stderr=log,
        )
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()


def script(**content: Any) -> None:
    path = merger.root().with_name("merger.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def hanging() -> int:
    path = merger.root() / "hanging"
    return wait_for(lambda: int(path.read_text() or 0) if path.exists() else None, "the program to hang")


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def fresh(merge: Merge) -> Merge:
    merge.refresh_from_db()
    return merge


def due(merge: Merge) -> None:
    """As if the wait before the next attempt were over."""
    Merge.objects.filter(pk=merge.pk).update(next_retry_at=timezone.now())


def stored(merge: Merge) -> list[str]:
    return list(get_storage().list(f"{merge.checkpoint.job.prefix}merged/"))


def assert_ready(merge: Merge) -> None:
    fresh(merge)
    assert merge.status == MergeStatus.READY, merge.reason
    assert stored(merge) == [merge.archive_key]
    assert get_storage().size(merge.archive_key) == merge.size_bytes
    assert set(merge.files) == {"README.md", "evidence.json", "model.safetensors"}
    assert [child for child in merger.root().iterdir() if child.is_dir()] == []


def test_merge(environment: dict[str, str], merge: Merge) -> None:
    run_merge(merge.pk)

    assert_ready(merge)
    assert (merge.reason, merge.lease_owner, merge.failures) == ("", "", 0)
    with get_storage().open(merge.archive_key) as file, tarfile.open(fileobj=file, mode="r:gz") as archive:
        evidence = archive.extractfile("evidence.json")
        assert evidence is not None
        facts = json.loads(evidence.read())
    assert facts["merged"] is True
    assert facts["merged_from"]["archive_sha256"] == merge.checkpoint.sha256
    assert list(facts["files"]) == ["model.safetensors"]


def test_killed_supervisor_takes_its_program_along_and_another_does_it_again(
    supervisor: "subprocess.Popen[bytes]", merge: Merge
) -> None:
    program = hanging()

    supervisor.kill()
    supervisor.wait()

    wait_for(lambda: gone(program), "the program to be gone")
    merges.reconcile()
    assert (fresh(merge).status, merge.code, merge.failures) == (MergeStatus.PENDING, "worker_lost", 1)
    due(merge)
    run_merge(merge.pk)
    assert_ready(merge)


def test_killed_program_is_tried_again(supervisor: "subprocess.Popen[bytes]", merge: Merge) -> None:
    os.kill(hanging(), signal.SIGKILL)

    assert supervisor.wait(60) == 0

    assert (fresh(merge).status, merge.code) == (MergeStatus.PENDING, "merger_died")
    assert "-9" in merge.reason
    assert merge.next_retry_at is not None
    due(merge)
    run_merge(merge.pk)
    assert_ready(merge)


def test_fenced_one_stores_nothing(supervisor: "subprocess.Popen[bytes]", merge: Merge) -> None:
    program = hanging()
    supervisor.send_signal(signal.SIGSTOP)
    wait_for(merges.orphaned, "the lease to run out")
    merges.reconcile()
    due(merge)
    run_merge(merge.pk)
    supervisor.send_signal(signal.SIGCONT)

    assert supervisor.wait(60) == 0

    assert gone(program)
    assert_ready(merge)


def test_deleted_job_ends_the_merge_and_leaves_nothing(
    supervisor: "subprocess.Popen[bytes]", merge: Merge
) -> None:
    program = hanging()
    job = merge.checkpoint.job
    services.delete_training_job(job=job, actor=make_actor())
    services.purge_objects(prefix=job.prefix)

    assert supervisor.wait(60) == 0

    assert gone(program)
    assert list(get_storage().list(job.prefix)) == []
    assert [child for child in merger.root().iterdir() if child.is_dir()] == []


def test_gives_up_after_three_attempts_and_says_why(environment: dict[str, str], merge: Merge) -> None:
    script(outcome={"code": "merge_failed", "message": "The disk is full.", "final": False})

    for _ in range(merges.ATTEMPTS):
        due(merge)
        run_merge(merge.pk)

    assert (fresh(merge).status, merge.failures) == (MergeStatus.FAILED, merges.ATTEMPTS)
    assert (merge.code, merge.reason) == ("merge_failed", "The disk is full.")
    due(merge)
    run_merge(merge.pk)
    assert fresh(merge).attempts == merges.ATTEMPTS


def test_what_would_fail_again_fails_at_once(environment: dict[str, str], merge: Merge) -> None:
    script(outcome={"code": "adapter_mismatch", "message": "It does not fit.", "final": True})

    run_merge(merge.pk)

    assert (fresh(merge).status, merge.failures) == (MergeStatus.FAILED, 1)


def test_missing_archive_is_told(environment: dict[str, str], merge: Merge) -> None:
    get_storage().delete(merge.checkpoint.archive_key)

    run_merge(merge.pk)

    assert (fresh(merge).status, merge.code) == (MergeStatus.PENDING, "file_not_found")


def test_lost_wake_up_is_sent_again(environment: dict[str, str], merge: Merge) -> None:
    Merge.objects.filter(pk=merge.pk).update(published_at=None)

    merges.reconcile()

    assert fresh(merge).published_at is not None


def test_left_folders_are_swept(environment: dict[str, str], merge: Merge) -> None:
    left = merger.root() / f"{merge.public_id}-0"
    left.mkdir(parents=True)

    run_merge(merge.pk)

    assert not left.exists()
