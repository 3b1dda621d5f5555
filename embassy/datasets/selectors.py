"""Reads. Each knows who asks: what is missing and what is somebody else's are the same 404."""

from itertools import islice

from django.db.models import QuerySet

from embassy.datasets import rows
from embassy.datasets.models import Analysis, AnalysisKind, Dataset
from embassy.datasets.states import WorkStatus
from embassy.platform.actor import Actor
from embassy.platform.errors import NotFound
from embassy.platform.storage import get_storage
from embassy.projects import selectors as projects
from embassy.projects.models import Project


def datasets_visible_to(actor: Actor) -> "QuerySet[Dataset, Dataset]":
    datasets = Dataset.objects.filter(project__in=projects.projects_visible_to(actor))
    return datasets.select_related("created_by").order_by("id")


def datasets_in(actor: Actor, project: Project) -> "QuerySet[Dataset, Dataset]":
    return datasets_visible_to(actor).filter(project=project)


def get_dataset(actor: Actor, project: Project, public_id: str) -> Dataset:
    dataset = datasets_in(actor, project).filter(public_id=public_id).first()
    if dataset is None:
        address = f"/v1/projects/{project.public_id}/datasets"
        raise NotFound(
            f"There is no dataset {public_id} in this project. List its datasets with GET {address}."
        )
    return dataset


def download_url(dataset: Dataset) -> str:
    """Where anyone may fetch the original file for a while."""
    return get_storage().presigned_get(dataset.original_key, filename=dataset.file_name)


def rows_from(dataset: Dataset, first: int, count: int) -> list[rows.RawRow]:
    """Some canonical rows, the first of them numbered from 0. Far ones are found by the analysis of rows."""
    skipped, start = first, 0
    found = analyses_of(dataset).filter(kind=AnalysisKind.ROWS, status=WorkStatus.DONE)
    known = found.values_list("result__offsets", "result__offsets_every").first()
    if known is not None and first // known[1] < len(known[0]):
        start, skipped = known[0][first // known[1]], first % known[1]
    return list(islice(rows.iter_raw(dataset, start=start), skipped, skipped + count))


def analyses_of(dataset: Dataset) -> "QuerySet[Analysis, Analysis]":
    return Analysis.objects.filter(dataset=dataset).order_by("id")


def preview(dataset: Dataset, count: int = 20) -> list[rows.RawRow]:
    """The first canonical rows."""
    return list(islice(rows.iter_raw(dataset), count))
