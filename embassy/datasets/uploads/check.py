"""The check of an uploaded file, by whoever holds its lease: a stream, and never much of it in memory."""

from contextlib import ExitStack
from functools import partial
from typing import Any, BinaryIO

from django.db import transaction

from embassy.datasets import intake, work
from embassy.datasets.models import Dataset, Upload
from embassy.datasets.states import WorkStatus
from embassy.datasets.uploads import limits
from embassy.datasets.uploads.report import ReportFile, summary
from embassy.datasets.uploads.whole_file import DamagedPart, WholeFile
from embassy.datasets.validation import HEAD_BYTES, Check, Report
from embassy.datasets.work import Outcome, Watch
from embassy.platform.actor import Actor
from embassy.platform.errors import InvalidInput
from embassy.platform.storage import get_storage


def check_upload(upload_pk: int, *, at_once: bool = False) -> Upload | None:
    """Make a dataset or a report of a whole file. None if it is not to be done now."""
    return work.run(Upload, upload_pk, _check, at_once=at_once)


def check_at_once(upload: Upload) -> Upload:
    """A small file is checked while its sender waits; a big one is left to the workers."""
    if upload.size <= limits.AT_ONCE_BYTES and upload.status == WorkStatus.WAITING:
        check_upload(upload.pk, at_once=True)
        upload.refresh_from_db()
    return upload


def _check(upload: Upload, watch: Watch) -> Outcome:
    _join(upload)
    watch.check()
    with ExitStack() as stack:
        problems, rows = (stack.enter_context(intake.scratch_file()) for _ in range(2))
        written = ReportFile(problems)
        report = Report(each=written.add)
        try:
            dataset = _read(upload, report, rows, watch)
        except DamagedPart as error:
            return _refused(upload, {"reason": error.message})
        except InvalidInput as error:
            key = f"reports/{upload.public_id}.jsonl"
            _put(key, problems)
            found = summary(report, written.count)
            return _refused(upload, {"reason": error.message, "report": found, "report_key": key})
        watch.check()
        _put(dataset.rows_key, rows)
    return Outcome(WorkStatus.DONE, apply=partial(_save, upload, dataset))


def _join(upload: Upload) -> None:
    """Another attempt may have done it already."""
    storage = get_storage()
    if upload.parts and not (storage.exists(upload.key) and storage.size(upload.key) == upload.size):
        storage.join_parts(upload.key, upload.parts)
    if upload.parts:
        storage.drop_parts(upload.key, upload.parts)


def _read(upload: Upload, report: Report, rows: BinaryIO, watch: Watch) -> Dataset:
    """Raises DamagedPart, and InvalidInput for a file that is no dataset."""
    storage = get_storage()
    with storage.open(upload.key) as stream:
        head = stream.read(HEAD_BYTES)
    with storage.open(upload.key) as stream:
        announced = dict(upload.announced.values_list("number", "sha256"))
        whole = WholeFile(stream, part_bytes=upload.part_bytes, announced=announced)
        check = Check(whole.buffered(), upload.file_name, head=head, report=report)
        whole.each_piece = lambda: watch.progress(done_bytes=whole.position, done_rows=check.counts.rows)
        dataset = intake.checked(check, rows)
    dataset.public_id = upload.dataset_id_wanted
    dataset.project, dataset.name, dataset.file_name = upload.project, upload.name, upload.file_name
    dataset.original_key, dataset.original_bytes = upload.key, whole.position
    dataset.original_sha256 = whole.sha256
    dataset.rows_key = f"{dataset.prefix}rows.jsonl"
    dataset.created_by_id = upload.created_by_id
    return dataset


def _put(key: str, file: BinaryIO) -> None:
    file.seek(0)
    get_storage().put(key, file)


def _save(upload: Upload, dataset: Dataset) -> None:
    actor = Actor(
        organization_id=upload.project.organization_id,
        user_id=upload.created_by_id,
        user_public_id=upload.created_by.public_id,
    )
    intake.save(dataset, actor)
    Upload.objects.filter(pk=upload.pk).update(dataset=dataset)


def _refused(upload: Upload, changes: dict[str, Any]) -> Outcome:
    """The file itself is of no more use."""
    return Outcome(
        WorkStatus.REFUSED,
        changes,
        apply=lambda: transaction.on_commit(lambda: _forget_file(upload)),
    )


def _forget_file(upload: Upload) -> None:
    get_storage().delete_prefix(upload.prefix)
