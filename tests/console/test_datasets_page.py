"""The page of a data set: its rows in three ways, and what was found out about them."""

import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from embassy.datasets.analyses.run import run_analysis
from embassy.datasets.models import Analysis, AnalysisKind, Dataset
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training.token_lengths import token_lengths
from tests.factories.datasets import csv_bytes, jsonl_bytes, make_dataset
from tests.factories.deployments import make_job

TINY = "tiny-llama-instruct"


def run_all() -> None:
    for analysis in Analysis.objects.filter(status="waiting"):
        run_analysis(analysis.pk, tokens=token_lengths)


@pytest.fixture
def dataset(project: Project, actor: Actor) -> Dataset:
    return make_dataset(project=project, actor=actor)


@pytest.fixture
def address(home: str, dataset: Dataset) -> str:
    return f"{home}/datasets/{dataset.public_id}"


def test_pages_of_rows(member: Client, home: str, project: Project, actor: Actor) -> None:
    rows = [(f"Question {n}!", str(n)) for n in range(1300)]
    dataset = make_dataset(project=project, actor=actor, content=csv_bytes(rows))
    address = f"{home}/datasets/{dataset.public_id}"
    for _ in range(2):  # without the offsets that the analysis finds, and with them
        assert "Question 0!" in member.get(address).content.decode()
        last = member.get(f"{address}?page=52").content.decode()
        assert "Question 1299!" in last
        assert "Question 1274!" not in last
        assert "Question 1299!" in member.get(f"{address}?page=9999").content.decode()
        run_all()


def test_rows_rendered_with_what_is_learned(member: Client, address: str) -> None:
    page = member.get(f"{address}?view=rendered&model={TINY}").content.decode()
    assert "What is 1 + 1?" in page
    assert "<mark>2" in page


def test_rows_as_tokens(member: Client, address: str) -> None:
    page = member.get(f"{address}?view=tokens&model={TINY}").content.decode()
    assert "trained on</div>" in page
    assert re.search(r'<b[^>]* title="\d+, trained on">\s*2', page)
    assert re.search(r'<i class="s" title="\d+">', page)


def test_rows_that_lose_their_labels_are_flagged(member: Client, address: str) -> None:
    page = member.get(f"{address}?view=tokens&model={TINY}&max_length=8").content.decode()
    assert "Nothing is learned from this row: max_length cuts the answer off." in page
    assert "at most 8" in page


@pytest.mark.parametrize("query", ["max_length=no", "max_length=7", "max_length=999999", "model=unknown"])
def test_what_cannot_be_shown_says_why(member: Client, address: str, query: str) -> None:
    answer = member.get(f"{address}?view=tokens&{query}")
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ({"prompt": "a", "chosen": "good", "rejected": "bad"}, ("chosen", "rejected")),
        ({"text1": "a cat", "text2": "a dog", "score": 0.5}, ("text1", "target")),
    ],
)
def test_other_kinds_of_rows(
    member: Client, home: str, project: Project, actor: Actor, row: dict[str, object], wanted: tuple[str, str]
) -> None:
    dataset = make_dataset(
        project=project, actor=actor, content=jsonl_bytes([row, row]), file_name="rows.jsonl"
    )
    for view in ("table", "rendered", "tokens"):
        page = member.get(f"{home}/datasets/{dataset.public_id}?view={view}").content.decode()
        assert 'role="alert"' not in page, view
    assert all(word in page for word in wanted)


def test_token_texts_are_escaped(member: Client, home: str, project: Project, actor: Actor) -> None:
    evil = "<script>alert(1)</script>"
    dataset = make_dataset(project=project, actor=actor, content=csv_bytes([(evil, evil)]), name=evil)
    for view in ("rendered", "tokens"):
        page = member.get(f"{home}/datasets/{dataset.public_id}?view={view}&model={TINY}").content.decode()
        assert "<script>alert" not in page


def test_figures_appear_once_they_are_found(
    member: Client, home: str, project: Project, actor: Actor
) -> None:
    rows = [("Is this good?", "yes"), ("is this  GOOD", "yes"), ("And this?", "no"), ("And this?", "no")]
    dataset = make_dataset(project=project, actor=actor, content=csv_bytes(rows))
    address = f"{home}/datasets/{dataset.public_id}"
    assert "every 2s" in member.get(address).content.decode()
    run_all()
    page = member.get(f"{address}/figures").content.decode()
    assert "every 2s" not in page
    assert "5 = 4" in page  # the exact duplicate and its first
    assert "3 = 2" in page  # and the near one
    assert "<rect" in page
    assert 'value="50.0"' in page


def test_a_dataset_without_figures_offers_to_count(member: Client, address: str, dataset: Dataset) -> None:
    Analysis.objects.all().delete()
    assert "Count them" in member.get(address).content.decode()
    member.post(f"{address}/analyse", {"kind": "rows"})
    assert Analysis.objects.get().dataset == dataset


def test_leaks_between_two_datasets(
    member: Client, address: str, dataset: Dataset, project: Project, actor: Actor
) -> None:
    rows = [("What is 1 + 1?", "two"), ("what is 2 + 2", "four"), ("Something else", "x")]
    other = make_dataset(project=project, actor=actor, content=csv_bytes(rows), name="tests")
    answer = member.post(f"{address}/analyse", {"kind": "leaks", "subject": other.public_id})
    assert answer.headers["Location"].endswith("#figures")
    run_all()
    page = member.get(address).content.decode()
    assert "Also in tests" in page
    assert "2 = 2" in page
    result = Analysis.objects.get(kind=AnalysisKind.LEAKS).result
    assert result["exact"] == {"count": 1, "lines": [[2, 2]]}
    assert result["near"] == {"count": 1, "lines": [[3, 3]]}


def test_leaks_with_what_is_not_ours_are_not_looked_for(member: Client, address: str) -> None:
    theirs = make_dataset()
    answer = member.post(f"{address}/analyse", {"kind": "leaks", "subject": theirs.public_id})
    assert answer.status_code == 404


def test_lengths_in_tokens(member: Client, address: str) -> None:
    member.post(f"{address}/analyse", {"kind": "tokens", "subject": TINY})
    run_all()
    page = member.get(address).content.decode()
    assert f"Tokens of {TINY}" in page
    result = Analysis.objects.get(kind=AnalysisKind.TOKENS).result
    assert (result["read"], result["cut"], result["problems"]) == (3, 0, {})
    assert result["learned"] >= 3


@pytest.mark.parametrize("asked", [{"kind": "x"}, {"kind": "tokens", "subject": "unknown"}, {}])
def test_analyses_that_there_are_not(member: Client, address: str, asked: dict[str, str]) -> None:
    assert member.post(f"{address}/analyse", asked).status_code in (400, 404)


def test_deleting_says_what_was_made_of_it(
    member: Client, address: str, dataset: Dataset, project: Project
) -> None:
    assert "No training job was made from it" in member.get(address).content.decode()
    job = make_job(project)
    type(job).objects.filter(pk=job.pk).update(train_dataset=dataset)
    page = member.get(address).content.decode()
    assert f"<li>{job.name}" in page


def test_a_viewer_sees_all_and_no_button(viewer: Client, address: str) -> None:
    run_all()
    for view in ("table", "rendered", "tokens"):
        page = viewer.get(f"{address}?view={view}").content.decode()
        assert "analyse" not in page
        assert "Delete" not in page


def test_queries_do_not_grow_with_rows(
    member: Client,
    home: str,
    project: Project,
    actor: Actor,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(30):
        make_dataset(project=project, actor=actor)
    dataset = Dataset.objects.latest("id")
    with django_assert_max_num_queries(14):
        member.get(f"{home}/datasets")
    with django_assert_max_num_queries(16):
        member.get(f"{home}/datasets/{dataset.public_id}?view=tokens&model={TINY}")
