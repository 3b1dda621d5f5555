"""From a file's check to a dataset's row: what every way in has in common."""

import hashlib
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from django.conf import settings
from django.db import transaction

from embassy.datasets import names
from embassy.datasets.analyses import services as analyses
from embassy.datasets.models import Dataset
from embassy.datasets.validation import Check
from embassy.platform.actor import Actor
from embassy.platform.errors import InvalidInput, NotFound
from embassy.projects import audit
from embassy.projects.models import Project

IN_MEMORY_BYTES = 8 * 1024 * 1024


def scratch_file() -> BinaryIO:
    """In memory while it is small, then in the cache folder, which has more room than /tmp."""
    settings.CACHE_DIR.mkdir(parents=True, exist_ok=True)
    return cast(BinaryIO, SpooledTemporaryFile(max_size=IN_MEMORY_BYTES, dir=str(settings.CACHE_DIR)))


def checked_name(name: str | None, file_name: str) -> str:
    """What the dataset is to be called: after its file, unless it was named. Raises InvalidInput."""
    name = names.clean(name or "")
    if len(name) > names.MAX_NAME:
        raise InvalidInput(f"name: it has {len(name)} characters; at most {names.MAX_NAME} are allowed.")
    return name or names.default_name(file_name)


def checked(check: Check, rows: BinaryIO) -> Dataset:
    """A dataset with all that the check tells; its canonical rows are written to `rows`.

    Raises InvalidInput (`invalid_dataset`) with the first problems as details.
    """
    revision = hashlib.sha256()
    for row in check.rows():
        revision.update(row)
        rows.write(row)
    if check.report.count:
        raise InvalidInput(check.report.sentence, code="invalid_dataset", details=check.report.as_list())
    assert check.kind
    assert check.format  # there is a row, so both are known
    return Dataset(
        kind=check.kind,
        format=check.format,
        revision=revision.hexdigest(),
        row_count=check.counts.rows,
        counts=check.counts.as_dict(),
    )


@transaction.atomic
def save(dataset: Dataset, actor: Actor) -> None:
    """Raises NotFound if the project has been deleted meanwhile."""
    # Locked, so that a project that is being deleted either sees this dataset or refuses it.
    project = Project.objects.select_for_update().filter(pk=dataset.project_id, deleted_at=None)
    if not project.exists():
        raise NotFound("The project has been deleted.")
    dataset.save()
    analyses.begin_rows(dataset)
    audit.record("dataset.created", dataset.public_id, actor=actor, name=dataset.name, rows=dataset.row_count)
