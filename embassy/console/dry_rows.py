"""Rows to try a test function on: of a data set, or answers that a training job's test got."""

from itertools import islice

from embassy.datasets.models import Kind
from embassy.datasets.rows import iter_rows
from embassy.datasets.selectors import datasets_in, get_dataset
from embassy.evaluation.functions import Row
from embassy.evaluation.serializers import MAX_TEXT
from embassy.platform.actor import Actor
from embassy.platform.errors import NotFound
from embassy.projects.models import Project
from embassy.training.selectors import get_job, jobs_of, result_rows, results_of
from embassy.training.states import JobStatus

COUNT = 5
MOST_SOURCES = 20

Source = tuple[str, str]  # id and name


def sources(actor: Actor, project: Project) -> tuple[list[Source], list[Source]]:
    """The newest data sets of prompts, and the newest jobs that have been tested."""
    datasets = datasets_in(actor, project).filter(kind=Kind.PROMPTS, is_uploaded=True).order_by("-id")
    jobs = jobs_of(actor, project).filter(status=JobStatus.SUCCESS, test_rows__gt=0).order_by("-id")
    return (
        list(datasets.values_list("public_id", "name")[:MOST_SOURCES]),
        list(jobs.values_list("public_id", "name")[:MOST_SOURCES]),
    )


def rows_from(actor: Actor, project: Project, source: str) -> list[Row]:
    """The first rows. Those of a data set are answered with what is expected. Raises NotFound."""
    found = _answers(actor, project, source) if source.startswith("tr-") else _rows(actor, project, source)
    return [Row(*(text[:MAX_TEXT] for text in row.arguments)) for row in found]


def _rows(actor: Actor, project: Project, public_id: str) -> list[Row]:
    rows = iter_rows(get_dataset(actor, project, public_id))
    return [Row(row.input_text, row.expected_output, row.expected_output) for row in islice(rows, COUNT)]


def _answers(actor: Actor, project: Project, public_id: str) -> list[Row]:
    """Of the newest checkpoint that was tested."""
    job = get_job(actor, project, public_id)
    result = results_of(job).last()
    if result is None:
        raise NotFound(f"No checkpoint of {job.name} has been tested.")
    return [
        Row(str(row["input_text"]), str(row["expected_output"]), str(row["predicted_output"]))
        for row in result_rows(result, limit=COUNT)
    ]
