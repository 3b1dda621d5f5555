"""What a training job will take, as its form tells before there is one: the same figures as everywhere."""

import pytest
from django.template.defaultfilters import filesizeformat
from django.test import Client
from pytest_django import Settings

from embassy.catalog.weights import folder_here
from embassy.console.presenters.preflight import estimated_facts, facts_of
from embassy.console.templatetags.console import duration
from embassy.console.views import new_job
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training.models import TrainingJob
from embassy.training.preflight.estimate import estimate
from embassy.training.requests import JobRequest
from tests.factories.datasets import jsonl_bytes, make_dataset
from tests.factories.training import make_rows

Form = dict[str, object]


@pytest.fixture
def dataset_id(project: Project, actor: Actor) -> str:
    content = make_rows()
    return make_dataset(project=project, actor=actor, content=content, file_name="sums.jsonl").public_id


@pytest.fixture
def form(dataset_id: str) -> Form:
    return {
        "base_model": "tiny-llama-instruct",
        "kind": "SFT text-generation",
        "train_dataset_id": dataset_id,
        "tests": "split",
        "split": "20",
    }


@pytest.fixture
def address(home: str) -> str:
    return f"{home}/jobs/new/estimate"


def test_tells_what_the_api_tells(
    member: Client, address: str, form: Form, project: Project, actor: Actor, settings: Settings
) -> None:
    settings.PRICE_PER_HOUR, settings.CURRENCY = 3600.0, "EUR"
    request = JobRequest(
        base_model="tiny-llama-instruct",
        train_dataset_id=str(form["train_dataset_id"]),
        train_test_split_ratio=20,
    )
    found = estimate(project=project, request=request, actor=actor)
    assert found.memory
    assert found.duration
    assert found.cost
    assert found.train
    page = member.post(address, form).content.decode().replace("\xa0", " ")
    for figure in (
        f"{found.train_rows}",
        f"and {found.test_rows} for testing",
        f"{found.total_steps:,}",
        f"{found.train.tokens['total']:,}",
        filesizeformat(found.memory.peak_bytes).replace("\xa0", " "),
        duration(found.duration.seconds) if found.duration.seconds >= 1 else "under a second",
        f"{found.cost.amount:.2f} EUR",
        "by a rule of thumb",
    ):
        assert figure in page, figure
    assert not TrainingJob.objects.exists()


def test_a_page_of_a_job_tells_the_same(
    form: Form, project: Project, actor: Actor, settings: Settings
) -> None:
    """Its trainer tells an event: equal figures must become equal words."""
    settings.PRICE_PER_HOUR = 2.0
    request = JobRequest(base_model="tiny-llama-instruct", train_dataset_id=str(form["train_dataset_id"]))
    found = estimate(project=project, request=request, actor=actor)
    assert found.memory
    assert found.duration
    assert found.train
    event = {
        "rows": found.train.total,
        "eval_rows": found.test_rows,
        "untrainable_rows": found.train.untrainable,
        "truncated_rows": found.train.truncated,
        "tokens": found.train.tokens,
        "steps_per_epoch": found.steps_per_epoch,
        "estimated_steps": found.total_steps,
        "memory": {
            "peak_bytes": found.memory.peak_bytes,
            "available_bytes": found.memory.available_bytes,
            "fits": found.memory.fits,
        },
    }
    shown = facts_of(event, seconds=found.duration.seconds)
    assert [(f.name, f.value) for f in estimated_facts(found)] == [(f.name, f.value) for f in shown]
    assert "Cost, about" in {fact.name for fact in shown}


def test_follows_what_is_chosen(member: Client, address: str, form: Form) -> None:
    once, often = (
        member.post(address, form | {"p.num_train_epochs": epochs}).content.decode() for epochs in ("1", "9")
    )
    assert "1 an epoch" in once
    assert ">1 <" in once
    assert ">9 <" in often


def test_warns_of_test_rows_that_are_trained_on(
    member: Client, address: str, form: Form, dataset_id: str
) -> None:
    page = member.post(address, form | {"tests": "existing", "test_dataset_id": dataset_id}).content.decode()
    assert "20 of 20 test rows ask what a training row asks" in page


def test_names_rows_that_cannot_be_trained_on(
    member: Client, address: str, form: Form, project: Project, actor: Actor
) -> None:
    rows: list[dict[str, object]] = [
        {"prompt": f"q{n}", "completion": "word " * 400 if n == 3 else "a"} for n in range(9)
    ]
    content = jsonl_bytes(rows)
    dataset = make_dataset(project=project, actor=actor, content=content, file_name="long.jsonl")
    page = member.post(address, form | {"train_dataset_id": dataset.public_id, "p.max_length": "64"})
    assert "are longer than max_length (64)" in page.content.decode()


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"p.learning_rate": "fast"}, "p.learning_rate", "Must be a number"),
        ({"train_dataset_id": ""}, "train_dataset_id", "Choose a data set"),
        ({"kind": "DPO text-generation"}, "train_dataset_id", "needs preferences"),
        ({"kind": "GRPO text-generation"}, "test_functions", "at least one"),
    ],
)
def test_says_what_is_missing_and_where(
    member: Client, address: str, form: Form, change: Form, field: str, sentence: str
) -> None:
    answer = member.post(address, form | change)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.content.decode()
    assert sentence in answer.content.decode()


def test_a_big_data_set_is_read_only_when_asked(
    member: Client, address: str, form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_job, "AUTOMATIC_BYTES", 10)
    assert "Work it out" in member.post(address, form).content.decode()
    assert "Steps" in member.post(address, form | {"estimate": "now"}).content.decode()


def test_a_model_of_the_hub_is_looked_up_only_when_asked(member: Client, address: str, form: Form) -> None:
    form |= {"base_model": "HF_MODEL", "hf_model_link": "nobody/nothing"}
    assert "Work it out" in member.post(address, form).content.decode()


def test_a_model_that_is_not_here(member: Client, address: str, form: Form) -> None:
    assert folder_here("Qwen3-0.6B") is None
    page = member.post(address, form | {"base_model": "Qwen3-0.6B"}).content.decode()
    assert "memory is not known" in page
    assert "files are not on this host" in page


def test_a_viewer_is_refused(viewer: Client, address: str, form: Form) -> None:
    assert viewer.post(address, form).status_code == 403
