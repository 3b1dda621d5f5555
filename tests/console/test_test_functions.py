"""Test functions in the console: to read, to write, to try and to delete. Dry runs are real sandboxes."""

import re

import pytest
from django.test import Client

from embassy.evaluation import models
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training.models import TrainingJob
from embassy.training.states import JobStatus
from tests.factories.datasets import make_dataset
from tests.factories.evaluation import make_test_function, source
from tests.factories.training import make_job, make_result, make_rows

ROWS = {"input": ["q", "r"], "expected": ["1", "1"], "predicted": ["1", "x"]}


@pytest.fixture
def address(home: str) -> str:
    return f"{home}/test-functions"


def test_the_list_teaches_the_next_step(member: Client, address: str) -> None:
    page = member.get(address).content.decode()
    assert "None of your own yet" in page
    assert "1.0 if the answer is the expected one, apart from white space around it." in page
    assert page.count("data-text=") == 28


def test_the_list_has_the_organizations_own_in_pages(member: Client, address: str, actor: Actor) -> None:
    for number in range(26):
        make_test_function(actor, name=f"mine_{number:02}")
    page = member.get(address).content.decode()
    assert "mine_24" in page
    assert "mine_25" not in page
    assert "mine_25" in member.get(address, {"page": 2}).content.decode()


def test_a_built_in_function_is_read_and_copied(member: Client, address: str) -> None:
    page = member.get(f"{address}/exact_match_shared").content.decode()
    assert "def exact_match_shared(" in page
    assert "readonly" in page
    assert member.post(f"{address}/exact_match_shared", {"content": source("f")}).status_code == 403
    assert member.post(f"{address}/exact_match_shared/delete").status_code == 403
    copy = member.get(f"{address}/-/new", {"copy": "exact_match_shared"}).content.decode()
    assert "def exact_match_copy(" in copy


def test_creates_one(member: Client, home: str, address: str) -> None:
    content = ("import numpy\n" + source("near")).replace("\n", "\r\n")
    form = {"content": content, "dependencies": ["numpy"], "task_types": ["regression"]}
    answer = member.post(f"{address}/-/new", form)
    assert answer.headers["Location"] == f"{address}/near"
    row = models.TestFunction.objects.get()
    assert (row.name, row.dependencies, row.task_types) == ("near", ["numpy"], ["regression"])
    assert "\r" not in row.content


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        ({"content": "def f(:"}, 400, "Line 1"),
        ({"content": ""}, 400, "It defines no function"),
        ({"content": "x = 1\n" + source("f") + "def g():\n    pass\n"}, 400, "Line 4"),
        ({"content": source("f", "return 1.0\nimport numpy")}, 400, "numpy is neither in the standard"),
        ({"content": "\0"}, 400, "null bytes"),
        ({"content": source("bleu_shared")}, 409, "is a built-in test function"),
        ({"content": source("taken")}, 409, "there is a test function taken already"),
        ({"dependencies": ["leftpad"]}, 400, "is not among the packages"),
        ({"task_types": ["poetry"]}, 400, "poetry is none of the tasks"),
    ],
)
def test_what_is_wrong_is_told_and_what_was_written_is_kept(
    member: Client, address: str, actor: Actor, change: dict[str, object], status: int, sentence: str
) -> None:
    make_test_function(actor, name="taken")
    form = {"content": source("unheard_of"), "task_types": ["embedding"]}
    answer = member.post(f"{address}/-/new", form | change)
    page = answer.content.decode().replace("&#x27;", "'")
    assert answer.status_code == status
    assert sentence.lower() in re.sub(r"<[^>]*>", "", page).lower()
    if "content" not in change:
        assert "unheard_of" in page
    if "task_types" not in change:
        assert 'value="embedding" checked' in page
    assert models.TestFunction.objects.count() == 1


def test_changes_one_with_its_name(member: Client, address: str, actor: Actor) -> None:
    make_test_function(actor, name="before")
    answer = member.post(f"{address}/before", {"content": source("after")})
    assert answer.headers["Location"] == f"{address}/after"
    assert member.get(f"{address}/before").status_code == 404
    page = member.post(f"{address}/after", {"content": "def after(:"}).content.decode()
    assert 'data-line="1"' in page
    assert "def after(:" in page
    assert "def after(input_text" in models.TestFunction.objects.get().content


def test_a_name_that_is_taken_is_not_taken_over(member: Client, address: str, actor: Actor) -> None:
    for name in ("one", "other"):
        make_test_function(actor, name=name)
    answer = member.post(f"{address}/one", {"content": source("other")})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "there is a test function other already" in page.lower()
    assert f'action="{address}/one/delete"' in page
    assert f'action="{address}/other/delete"' not in page


def test_deleting_tells_what_uses_it(member: Client, address: str, project: Project, actor: Actor) -> None:
    make_test_function(actor)
    for status in (JobStatus.RUNNING, JobStatus.SUCCESS):
        job = make_job(
            project=project, actor=actor, train_test_split_ratio=20, test_functions=("vowels",), name=status
        )
        TrainingJob.objects.filter(pk=job.pk).update(status=status)
    page = member.get(f"{address}/vowels").content.decode()
    assert "2 training jobs of your organization name it, 1 of them unfinished." in page
    assert f"/jobs/{job.public_id}" in page
    assert member.post(f"{address}/vowels/delete").headers["Location"] == address
    assert not models.TestFunction.objects.exists()
    assert member.post(f"{address}/vowels/delete").status_code == 404


def test_checks_a_source_without_running_it(member: Client, address: str) -> None:
    fine = member.post(f"{address}/-/check", {"content": source("near")})
    assert (fine.status_code, "near" in fine.content.decode()) == (200, True)
    wrong = member.post(f"{address}/-/check", {"content": "\n\ndef f(a):\n    return 1.0"})
    assert (wrong.status_code, 'data-line="3"' in wrong.content.decode()) == (422, True)


@pytest.mark.processes
def test_a_dry_run_shows_scores_output_and_the_line_of_an_error(member: Client, address: str) -> None:
    content = source("near", "print('seen <b>')\nreturn 1 / int(predicted_output)")
    answer = member.post(f"{address}/-/dry-run", {"content": content} | ROWS)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "<strong>1.000</strong>" in page
    assert "seen &lt;b&gt;" in page
    assert "ValueError: invalid literal for int()" in page
    assert 'data-goes="3"' in page
    assert "Mean <strong>0.500</strong>" in page
    assert not models.TestFunction.objects.exists()


def test_a_dry_run_of_a_built_in_function(member: Client, address: str) -> None:
    form = {"built_in": "exact_match_shared"} | ROWS
    assert "Mean <strong>0.500</strong>" in member.post(f"{address}/-/dry-run", form).content.decode()


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"content": source("near")}, "Add a row"),
        (
            {"content": source("near"), "input": ["a"] * 21, "expected": ["a"] * 21, "predicted": ["a"] * 21},
            "20",
        ),
        (
            {"content": source("near"), "input": ["a" * 100_001], "expected": [""], "predicted": [""]},
            "Shorten",
        ),
        ({"content": "def f(:"} | ROWS, "Line 1"),
        ({"content": source("near"), "dependencies": ["leftpad"]} | ROWS, "is not among the packages"),
    ],
)
def test_a_dry_run_that_cannot_be(
    member: Client, address: str, form: dict[str, object], sentence: str
) -> None:
    answer = member.post(f"{address}/-/dry-run", form)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()


def test_rows_to_try_it_on(member: Client, address: str, project: Project, actor: Actor) -> None:
    dataset = make_dataset(project=project, actor=actor, content=make_rows(), file_name="sums.jsonl")
    job = make_job(
        project=project, actor=actor, train_dataset_id=dataset.public_id, train_test_split_ratio=20
    )
    make_result(job, 1, exact_match_shared=1.0)
    TrainingJob.objects.filter(pk=job.pk).update(status=JobStatus.SUCCESS)
    page = member.get(f"{address}/-/new").content.decode()
    assert f'value="{dataset.public_id}"' in page
    assert f'value="{job.public_id}"' in page

    rows = member.get(f"{address}/-/rows", {"source": dataset.public_id}).content.decode()
    assert rows.count("What is ") == 5
    assert "What is 1 + 1?" in member.get(f"{address}/-/rows", {"source": job.public_id}).content.decode()
    assert "What is 2 + 2?" in member.get(f"{address}/-/rows").content.decode()
    for unknown in ("ds-none", "tr-none", "a\0b"):
        assert member.get(f"{address}/-/rows", {"source": unknown}).status_code == 422


def test_a_viewer_reads_only(viewer: Client, address: str, actor: Actor) -> None:
    make_test_function(actor)
    assert "New test function" not in viewer.get(address).content.decode()
    page = viewer.get(f"{address}/vowels").content.decode()
    assert "readonly" in page
    for button in ("Save", "Dry run", "Delete", "Copy"):
        assert f">{button}<" not in re.sub(r"<svg.*?</svg>", "", page), button


def test_functions_of_another_organization_are_not_there(
    outsider: Client, address: str, actor: Actor
) -> None:
    make_test_function(actor)
    assert outsider.get(f"{address}/vowels").status_code == 404
