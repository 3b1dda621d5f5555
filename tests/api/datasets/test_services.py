"""What other parts call: rows, datasets from rows, and the removal of what is left over."""

import os
import time

import pytest

from embassy.datasets import selectors, services
from embassy.datasets.models import Dataset
from embassy.datasets.rows import iter_rows
from embassy.platform.actor import Actor
from embassy.platform.errors import InvalidInput
from embassy.platform.storage import FileStorage, get_storage
from embassy.projects.models import Project
from tests.factories.datasets import jsonl_bytes, make_dataset

CONVERSATION = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "one"},
    {"role": "assistant", "content": "1"},
    {"role": "user", "content": "two"},
    {"role": "assistant", "content": "2"},
    {"role": "user", "content": "thanks"},
]


def test_rows_are_taken_apart(db: None) -> None:
    dataset = make_dataset(
        content=jsonl_bytes([{"messages": CONVERSATION}, {"prompt": "q", "completion": "a"}])
    )
    first, second = iter_rows(dataset)
    assert (first.line, first.input_text, first.expected_output) == (1, "two", "2")
    assert first.prompt_messages == CONVERSATION[:4]
    assert (second.line, second.prompt_messages) == (2, [{"role": "user", "content": "q"}])


def test_rows_of_another_kind_are_not_prompts(db: None) -> None:
    dataset = make_dataset(content=b"text1,text2,score\na,b,1\n")
    assert dataset.kind == "pairs"
    with pytest.raises(InvalidInput, match="pairs"):
        iter_rows(dataset)
    assert selectors.preview(dataset) == [{"line": 2, "text1": "a", "text2": "b", "score": 1.0}]


def test_a_dataset_of_rows(project: Project, actor: Actor) -> None:
    rows = ({"prompt": f"q{number}", "completion": "a"} for number in range(1000))
    dataset = services.create_dataset_from_rows(project=project, rows=rows, name="logs / May", actor=actor)
    assert (dataset.name, dataset.row_count, dataset.format) == ("logs / May", 1000, "jsonl")
    assert len(list(iter_rows(dataset))) == 1000


def test_a_deleted_project_loses_its_datasets(project: Project, actor: Actor) -> None:
    kept = make_dataset()
    for _ in range(2):
        make_dataset(project=project, actor=actor)
    for _ in range(2):  # repeatable
        services.remove_all(project=project)
    assert list(Dataset.objects.all()) == [kept]
    assert list(get_storage().list()) == [kept.original_key, kept.rows_key]


def test_old_objects_without_a_row_are_removed(project: Project, actor: Actor) -> None:
    kept, lost, fresh = (make_dataset(project=project, actor=actor) for _ in range(3))
    Dataset.objects.filter(pk__in=[lost.pk, fresh.pk]).delete()
    storage = get_storage()
    assert isinstance(storage, FileStorage)
    for dataset in (kept, lost):
        for key in (dataset.original_key, dataset.rows_key):
            os.utime(storage.path(key), (time.time() - 2 * 86400,) * 2)
    assert services.purge_orphans() == 2
    assert set(storage.list()) == {kept.original_key, kept.rows_key, fresh.original_key, fresh.rows_key}
