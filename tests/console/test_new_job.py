"""The form of a training job: what it takes, what it refuses, and what it remembers."""

import re

import pytest
from django.test import Client

from embassy.console.job_form import JobFields
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training.models import TrainingJob
from embassy.training.requests import JobRequest
from embassy.training.states import JobStatus
from tests.factories.datasets import jsonl_bytes, make_dataset
from tests.factories.evaluation import make_test_function
from tests.factories.training import make_checkpoint, make_job, make_rows

Form = dict[str, object]


@pytest.fixture
def dataset_id(project: Project, actor: Actor) -> str:
    content = make_rows()
    return make_dataset(project=project, actor=actor, content=content, file_name="sums.jsonl").public_id


@pytest.fixture
def form(dataset_id: str) -> Form:
    return {
        "name": "first",
        "base_model": "tiny-llama-instruct",
        "kind": "SFT text-generation",
        "method": "lora",
        "train_dataset_id": dataset_id,
        "tests": "split",
        "split": "20",
        "test_functions": ["exact_match_shared"],
        "p.num_train_epochs": "2",
        "p.learning_rate": "",
    }


@pytest.fixture
def address(home: str) -> str:
    return f"{home}/jobs/new"


def labels_dataset(project: Project, actor: Actor) -> str:
    rows: list[dict[str, object]] = [
        {"prompt": f"text {n}", "completion": "spam" if n % 2 else "fine"} for n in range(20)
    ]
    content = jsonl_bytes(rows)
    return make_dataset(project=project, actor=actor, content=content, file_name="labels.jsonl").public_id


def test_creates_a_job(member: Client, home: str, address: str, form: Form) -> None:
    answer = member.post(address, form)
    job = TrainingJob.objects.get()
    assert answer.headers["Location"] == f"{home}/jobs/{job.public_id}"
    assert (job.name, job.status, job.train_test_split_ratio) == ("first", "Pending", 20)
    assert job.parameters["num_train_epochs"] == 2
    assert job.test_functions == ["exact_match_shared"]


@pytest.mark.parametrize(
    ("method", "switched"),
    [
        ("lora", set()),
        ("qlora", {"load_in_4bit"}),
        ("dora", {"use_dora"}),
        ("qdora", {"use_dora", "load_in_4bit"}),
        ("full", {"full_fine_tuning"}),
    ],
)
def test_methods(member: Client, address: str, form: Form, method: str, switched: set[str]) -> None:
    member.post(address, form | {"method": method})
    parameters = TrainingJob.objects.get().parameters
    names = ("load_in_4bit", "use_dora", "full_fine_tuning")
    assert {name for name in names if parameters[name]} == switched


def test_every_field_of_a_request_can_be_given(
    member: Client, address: str, form: Form, project: Project, actor: Actor
) -> None:
    form |= {
        "kind": "SFT classification",
        "train_dataset_id": labels_dataset(project, actor),
        "description": "what for",
        "test_functions": ["label_match_shared", "exact_match_shared"],
        "selects": "exact_match_shared",
        "higher": "false",
        "patience": "3",
        "min_delta": "0.01",
        "keep_best": "true",
        "rebalance": "spam = 0.25\r\nfine: 0.75",
        "minutes": "90",
        "p.seed": "7",
    }
    answer = member.post(address, form)
    assert answer.status_code == 302, answer.content.decode()
    job = TrainingJob.objects.get()
    assert (job.task_type, job.description, job.parameters["seed"]) == ("classification", "what for", 7)
    assert job.spec["selection"] == {
        "test_function": "exact_match_shared",
        "higher_is_better": False,
        "early_stopping_patience": 3,
        "min_delta": 0.01,
        "keep": "best",
    }
    assert job.spec["rebalance_data"] == {"spam": 0.25, "fine": 0.75}
    assert job.spec["time_limit_seconds"] == 5400


def test_no_field_of_a_request_is_forgotten() -> None:
    elsewhere = {
        "base_model_option": "base_model",
        "train_test_split_ratio": "split",
        "technique": "kind",
        "task_type": "kind",
        "test_functions": "test_functions",
        "parameters": "p.…",
        "rebalance_data": "rebalance",
        "reward": "w.…",
        "selection": "selects",
        "time_limit_seconds": "minutes",
    }
    assert set(JobRequest.__dataclass_fields__) == elsewhere.keys() | (
        set(JobRequest.__dataclass_fields__) & JobFields.base_fields.keys()
    )


def test_tests_with_a_data_set_of_its_own(
    member: Client, address: str, form: Form, project: Project, actor: Actor
) -> None:
    other = make_dataset(project=project, actor=actor, content=make_rows({"Who?": "me"}), file_name="t.jsonl")
    member.post(address, form | {"tests": "existing", "test_dataset_id": other.public_id})
    job = TrainingJob.objects.get()
    assert (job.test_rows, job.train_test_split_ratio) == (1, None)


def test_weighs_rewards(member: Client, address: str, form: Form) -> None:
    form |= {"kind": "GRPO text-generation", "tests": "none", "w.exact_match_shared": "1"}
    member.post(address, form)
    assert TrainingJob.objects.get().reward == {"exact_match_shared": 1.0}


def problem_at(page: str, field: str) -> str:
    """What stands below a field of the form."""
    found = re.search(rf'id="{re.escape(field)}-problem">([^<]*)<', page)
    assert found, f"nothing is said at {field}"
    return found[1].replace("&#x27;", "'")


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"p.num_train_epochs": "0"}, "p.num_train_epochs", "Must be a whole number from 1 to 100"),
        ({"p.warmup_ratio": "much"}, "p.warmup_ratio", "Must be a number from"),
        ({"p.lora_r": "nan"}, "p.lora_r", "Must be a whole number"),
        ({"split": "many"}, "split", "Write a number"),
        ({"split": ""}, "split", "how many percent"),
        ({"split": "100"}, "split", "below 100"),
        ({"train_dataset_id": "ds-none"}, "train_dataset_id", "ds-none"),
        ({"train_dataset_id": ""}, "train_dataset_id", "Choose a data set"),
        ({"tests": "existing"}, "test_dataset_id", "Choose the data set"),
        ({"base_model": "none"}, "base_model", "no base model none"),
        ({"base_model": ""}, "base_model", "Choose the model"),
        ({"base_model": "own:nothing"}, "base_model", "no training job nothing"),
        ({"base_model": "HF_MODEL"}, "hf_model_link", "needs the link"),
        ({"kind": "RL text-generation"}, "kind", "cannot be trained with RL"),
        ({"kind": "DPO text-generation"}, "train_dataset_id", "needs preferences"),
        ({"name": "n" * 121}, "name", "at most 120 characters"),
        ({"description": "d" * 4001}, "description", "at most 4000 characters"),
        ({"minutes": "99999"}, "minutes", "the longest for any job"),
        ({"minutes": "0"}, "minutes", "greater than or equal"),
        ({"patience": "0"}, "patience", "greater than or equal"),
        ({"patience": "2000"}, "patience", "1 to 1000"),
        ({"min_delta": "-1"}, "min_delta", "greater than or equal"),
        ({"selects": "bleu_shared"}, "selects", "none of the job's test functions"),
        ({"test_functions": ["exact"]}, "test_functions", "There is no test function exact"),
        ({"kind": "SFT classification", "rebalance": "spam"}, "rebalance", "Line 1"),
        ({"kind": "GRPO text-generation"}, "test_functions", "Give exact_match_shared a weight"),
        ({"kind": "GRPO text-generation", "test_functions": []}, "test_functions", "at least one"),
        ({"kind": "GRPO text-generation", "w.exact_match_shared": "0.4"}, "test_functions", "sum to 1"),
        (
            {"kind": "GRPO text-generation", "w.exact_match_shared": "1", "p.num_generations": "7"},
            "p.num_generations",
            "",
        ),
    ],
)
def test_what_is_wrong_is_told_at_its_field(
    member: Client, address: str, form: Form, change: Form, field: str, sentence: str
) -> None:
    answer = member.post(address, form | change)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert sentence in problem_at(page, field)
    assert f'href="#{field}"' in page
    assert not TrainingJob.objects.exists()


def test_what_was_written_is_kept(member: Client, address: str, form: Form) -> None:
    form |= {
        "p.lora_dropout": "7",
        "minutes": "5",
        "method": "dora",
        "selects": "exact_match_shared",
        "w.bleu_shared": "0.5",
    }
    page = member.post(address, form).content.decode()
    assert 'value="first"' in page
    assert re.search(r'name="p.lora_dropout"[^>]*value="7"', page)
    assert re.search(r'name="p.num_train_epochs"[^>]*value="2"', page)
    assert re.search(r'name="method" value="dora" checked', page)
    assert re.search(r'value="exact_match_shared" checked', page)
    assert re.search(r'name="w.bleu_shared" value="0.5"', page)
    assert "Advanced (1 set)" in page


def test_null_characters_are_refused_and_break_nothing(member: Client, address: str, form: Form) -> None:
    for field in ("name", "base_model", "train_dataset_id", "find", "description"):
        answer = member.post(address, form | {field: "a\0b"})
        assert answer.status_code == 400, field
        assert "null characters" in answer.content.decode().lower(), field


def test_a_name_that_is_taken(member: Client, address: str, form: Form) -> None:
    member.post(address, form)
    assert "Choose another name" in problem_at(member.post(address, form).content.decode(), "name")


def test_a_project_without_data_sets_says_what_to_do_first(member: Client, address: str) -> None:
    assert "A job needs a data set" in member.get(address).content.decode()


def test_the_form_explains_every_choice(member: Client, address: str, dataset_id: str) -> None:
    page = member.get(address, {"dataset": dataset_id}).content.decode()
    assert "Rank of the adapter: how much it can learn. 1 to 256." in page
    assert "3.48 M parameters · 1,024 tokens · text generation, classification, regression" in page
    assert "Learns from pairs of answers which one is better." in page
    assert "(20 rows of prompts)" in page
    assert "1.0 if the answer is the expected one" in page
    part = member.get(
        f"{address}/parameters", {"base_model": "tiny-llama-instruct", "kind": "GRPO text-generation"}
    )
    assert "num_generations" in part.content.decode()


def test_a_data_set_brings_the_kind_of_training_that_it_is_for(
    member: Client, address: str, project: Project, actor: Actor
) -> None:
    content = jsonl_bytes([{"prompt": "Why?", "chosen": "Because.", "rejected": "No."}])
    dataset = make_dataset(project=project, actor=actor, content=content, file_name="p.jsonl")
    page = member.get(address, {"dataset": dataset.public_id}).content.decode()
    assert re.search(r'value="DPO text-generation"[^>]* checked', page)


def test_parameters_of_no_such_model_are_none(member: Client, address: str) -> None:
    for name in ("none", "own:none", "a\0b", "../x"):
        part = member.get(f"{address}/parameters", {"base_model": name})
        assert "not made for this" in part.content.decode(), name


def test_goes_on_from_a_checkpoint(
    member: Client, address: str, project: Project, actor: Actor, form: Form
) -> None:
    job = make_job(project=project, actor=actor, name="before", parameters={"lora_r": 4})
    for number in (1, 2):
        make_checkpoint(job, number)
    assert "own:before" in member.get(address).content.decode()
    part = member.get(f"{address}/parameters", {"base_model": "own:before"}).content.decode()
    assert "Checkpoint of before" in part
    assert re.search(r'name="p.lora_r"[^>]*placeholder="4"', part)

    member.post(address, form | {"base_model": "own:before", "checkpoint": "1"})
    made = TrainingJob.objects.get(name="first")
    assert (made.base_fine_tuned_model, made.base_fine_tuned_model_checkpoint) == ("before", 1)

    answer = member.post(address, form | {"name": "x", "base_model": "own:before", "checkpoint": "9"})
    assert "has no checkpoint 9" in problem_at(answer.content.decode(), "checkpoint")


def test_finds_jobs_to_go_on_from(member: Client, address: str, project: Project, actor: Actor) -> None:
    for name in ("sums", "letters", "empty"):
        job = make_job(project=project, actor=actor, name=name)
        if name != "empty":
            make_checkpoint(job)
    part = member.get(f"{address}/starts", {"find": "SUM"}).content.decode()
    assert "own:sums" in part
    assert "own:letters" not in part
    assert "own:empty" not in member.get(f"{address}/starts").content.decode()


def test_starts_again_with_changes(
    member: Client, address: str, project: Project, actor: Actor, dataset_id: str
) -> None:
    make_test_function(actor, name="vowels")
    job = make_job(
        project=project,
        actor=actor,
        name="before",
        description="what for",
        technique="GRPO",
        train_dataset_id=dataset_id,
        train_test_split_ratio=30,
        test_functions=("vowels", "exact_match_shared"),
        reward={"vowels": 0.25, "exact_match_shared": 0.75},
        parameters={"temperature": 0.5, "use_dora": True, "seed": 3},
        selection={"test_function": "exact_match_shared", "early_stopping_patience": 2, "keep": "best"},
        time_limit_seconds=600,
    )
    page = member.get(address, {"again": job.public_id}).content.decode()
    assert re.search(r'id="name" name="name" maxlength="120" value=""', page)
    for expected in (
        r"what for</textarea>",
        r'value="GRPO text-generation"[^>]* checked',
        r'value="dora" checked',
        rf'value="{dataset_id}"[^>]* selected',
        r'name="split"[^>]*value="30"',
        r'name="p.temperature"[^>]*value="0.5"',
        r'name="p.seed"[^>]*value="3"',
        r'name="p.learning_rate"[^>]*value=""',
        r'name="w.vowels" value="0.25"',
        r'name="w.exact_match_shared" value="0.75"',
        r"<option selected>exact_match_shared</option>",
        r'name="patience"[^>]*value="2"',
        r'name="keep_best" value="true" checked',
        r'name="minutes"[^>]*value="10"',
    ):
        assert re.search(expected, page), expected


def test_again_without_the_data_set_that_was(
    member: Client, address: str, project: Project, actor: Actor, dataset_id: str
) -> None:
    job = make_job(project=project, actor=actor)
    TrainingJob.objects.filter(pk=job.pk).update(train_dataset=None)
    page = member.get(address, {"again": job.public_id}).content.decode()
    assert "has been deleted. Choose another." in page
    assert member.get(address, {"again": "tr-none"}).status_code == 404


def test_says_why_a_job_would_wait(
    member: Client, address: str, project: Project, actor: Actor, dataset_id: str
) -> None:
    assert "Nothing of your organization is ahead of it." in member.get(address).content.decode()
    for status in (JobStatus.RUNNING, JobStatus.PENDING, JobStatus.PENDING):
        job = make_job(project=project, actor=actor)
        TrainingJob.objects.filter(pk=job.pk).update(status=status)
    page = member.get(address).content.decode()
    assert "1 job of your organization runs and 2 wait" in page


def test_a_viewer_may_look_but_not_start(viewer: Client, address: str, form: Form) -> None:
    page = viewer.get(address).content.decode()
    assert "Start training" not in page
    assert "hx-post" not in page
    assert viewer.post(address, form).status_code == 403
