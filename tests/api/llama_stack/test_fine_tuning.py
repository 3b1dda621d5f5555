"""`/openai/v1/fine_tuning/jobs`"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from embassy.datasets.models import Dataset
from embassy.deployments import selectors
from embassy.deployments.models import Deployment
from embassy.llama_stack.fine_tuning import names
from embassy.llama_stack.models import FineTuningJob
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training import lifecycle
from embassy.training.models import JobEvent, TrainingJob
from embassy.training.states import JobStatus
from tests.conftest import client_for
from tests.factories.projects import make_key, make_project
from tests.factories.routes import make_base_route
from tests.factories.training import make_checkpoint
from tests.fakes.fake_engine import FakeEngine

JOBS = "/openai/v1/fine_tuning/jobs"
MODEL = "tiny-llama-instruct"
CHATS = [
    {
        "messages": [
            {"role": "user", "content": f"What is {n} + {n}?"},
            {"role": "assistant", "content": str(2 * n)},
        ]
    }
    for n in range(1, 21)
]
PREFERENCES = [
    {
        "input": {"messages": [{"role": "user", "content": f"Say {n}"}]},
        "preferred_output": [{"role": "assistant", "content": str(n)}],
        "non_preferred_output": [{"role": "assistant", "content": "no"}],
    }
    for n in range(1, 21)
]


def upload(api: APIClient, rows: list[Any] | None = None, *, purpose: str = "fine-tune") -> str:
    content = "\n".join(map(json.dumps, rows or CHATS)).encode()
    body = {"file": SimpleUploadedFile("chats.jsonl", content), "purpose": purpose}
    return str(api.post("/openai/v1/files", body, format="multipart").json()["id"])


def create(api: APIClient, **fields: Any) -> Any:
    body = {"model": MODEL, "training_file": fields.pop("training_file", None) or upload(api)}
    return api.post(JOBS, body | fields, format="json")


def succeed(job: TrainingJob) -> None:
    claimed = lifecycle.claim(job.pk)
    assert claimed is not None
    make_checkpoint(job, 1)
    make_checkpoint(job, 2)
    lifecycle.begin_testing(claimed, token=claimed.lease_token)
    lifecycle.finish(claimed, JobStatus.SUCCESS, token=claimed.lease_token)


def test_a_job_is_made_of_a_file(api: APIClient) -> None:
    training_file = upload(api)
    answer = create(
        api,
        training_file=training_file,
        suffix="sums",
        seed=7,
        metadata={"team": "a"},
        method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}},
    )
    body = answer.json()
    assert answer.status_code == 200
    assert (body["object"], body["status"], body["model"]) == ("fine_tuning.job", "queued", MODEL)
    assert (body["fine_tuned_model"], body["finished_at"], body["error"]) == (None, None, None)
    assert (body["training_file"], body["validation_file"], body["seed"]) == (training_file, None, 7)
    assert body["hyperparameters"] == {
        "n_epochs": 2,
        "batch_size": "auto",
        "learning_rate_multiplier": "auto",
    }
    assert body["metadata"] == {"team": "a"}
    job = TrainingJob.objects.get()
    assert (job.parameters["num_train_epochs"], job.parameters["seed"]) == (2, 7)
    assert api.get(f"{JOBS}/{body['id']}").json() == body


def test_older_clients_give_hyperparameters_by_themselves(api: APIClient) -> None:
    create(api, hyperparameters={"n_epochs": 3, "batch_size": "auto", "learning_rate_multiplier": 0.5})
    job = TrainingJob.objects.get()
    assert job.parameters["num_train_epochs"] == 3
    assert job.parameters["learning_rate"] == pytest.approx(0.0015)


def test_preferences(api: APIClient) -> None:
    method = {"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.2}}}
    body = create(api, training_file=upload(api, PREFERENCES), method=method).json()
    job = TrainingJob.objects.get()
    assert (job.technique, job.parameters["beta"]) == ("DPO", 0.2)
    assert body["method"]["dpo"]["hyperparameters"]["beta"] == 0.2


def test_a_validation_file_tests_it(api: APIClient) -> None:
    create(api, validation_file=upload(api, CHATS[:5]))
    assert TrainingJob.objects.get().test_rows == 5


def test_the_same_file_makes_one_data_set(api: APIClient) -> None:
    training_file = upload(api)
    create(api, training_file=training_file)
    create(api, training_file=training_file)
    assert (TrainingJob.objects.count(), Dataset.objects.count(), Project.objects.count()) == (2, 1, 1)


def test_a_project_can_be_named(api: APIClient, project: Project, other_api: APIClient) -> None:
    body = {"model": MODEL, "training_file": upload(api)}
    headers = {"OpenAI-Project": project.public_id}
    assert api.post(JOBS, body, format="json", headers=headers).status_code == 200
    assert TrainingJob.objects.get().project == project
    answer = other_api.post(JOBS, body, format="json", headers=headers)
    assert answer.status_code == 404


def test_a_key_for_one_project_makes_it_there(api: APIClient, actor: Actor, project: Project) -> None:
    _, plain = make_key(project.organization, projects=[project])
    create(client_for(plain), training_file=upload(api))
    assert TrainingJob.objects.get().project == project


def test_a_key_for_several_must_say_which(api: APIClient, actor: Actor, project: Project) -> None:
    _, plain = make_key(project.organization, projects=[project, make_project(actor)])
    answer = create(client_for(plain), training_file=upload(api))
    assert answer.json()["error"]["code"] == "which_project"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"training_file": "file-none"}, "training_file"),
        ({"validation_file": "file-none"}, "validation_file"),
        ({"method": {"type": "telepathy"}}, "method.type"),
        ({"model": "ft:nothing:of:the:sort"}, "model"),
        ({"metadata": {"a": "x" * 513}}, "metadata"),
        ({"integrations": [{"type": "wandb"}]}, "integrations"),
    ],
)
def test_what_is_wrong_is_told(api: APIClient, fields: dict[str, Any], param: str) -> None:
    answer = create(api, **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert not TrainingJob.objects.exists()


def test_bad_hyperparameters_and_bad_rows(api: APIClient) -> None:
    for bad in (0, "some", -1, 1.5):
        assert create(api, hyperparameters={"n_epochs": bad}).status_code == 400
    assert create(api, training_file=upload(api, [{"messages": []}])).status_code == 400
    assert create(api, training_file=upload(api, purpose="assistants")).status_code == 400
    assert not FineTuningJob.objects.exists()


def test_it_is_paused_resumed_and_cancelled(api: APIClient) -> None:
    url = f"{JOBS}/{create(api).json()['id']}"
    assert api.post(f"{url}/pause").json()["status"] == "paused"
    assert api.post(f"{url}/resume").json()["status"] == "queued"
    assert api.post(f"{url}/cancel").json()["status"] == "cancelled"
    again = api.post(f"{url}/cancel")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "already_finished")


def test_the_model_has_a_name_once_it_is_there(api: APIClient) -> None:
    url = f"{JOBS}/{create(api, suffix='sums').json()['id']}"
    succeed(TrainingJob.objects.get())
    body = api.get(url).json()
    assert body["status"] == "succeeded"
    assert body["fine_tuned_model"].startswith(f"ft:{MODEL}:")
    assert body["fine_tuned_model"].endswith(f":sums:{body['id'][-8:]}")
    page = api.get(f"{url}/checkpoints", {"limit": 1}).json()
    assert page["has_more"] is True
    newest = page["data"][0]
    assert newest["fine_tuned_model_checkpoint"] == f"{body['fine_tuned_model']}:ckpt-step-20"
    older = api.get(f"{url}/checkpoints", {"after": newest["id"]}).json()
    assert [entry["step_number"] for entry in older["data"]] == [10]


def test_events_come_newest_first(api: APIClient) -> None:
    url = f"{JOBS}/{create(api).json()['id']}/events"
    job = TrainingJob.objects.get()
    for step in range(1, 4):
        data = {"step": step, "max_steps": 3, "loss": 1 / step}
        JobEvent.objects.create(job=job, kind="step", at=job.created_at, data=data)
    page = api.get(url, {"limit": 2}).json()
    assert [event["data"]["step"] for event in page["data"]] == [3, 2]
    assert page["data"][0]["type"] == "metrics"
    assert page["has_more"] is True
    rest = api.get(url, {"after": page["data"][-1]["id"]}).json()
    assert rest["data"][0]["data"]["step"] == 1
    assert api.get(url, {"after": "ftevent-x"}).status_code == 400


def test_lists_are_paged(api: APIClient) -> None:
    training_file = upload(api)
    ids = [create(api, training_file=training_file).json()["id"] for _ in range(3)]
    page = api.get(JOBS, {"limit": 2}).json()
    assert ([job["id"] for job in page["data"]], page["has_more"]) == (ids[:0:-1], True)
    assert [job["id"] for job in api.get(JOBS, {"after": ids[1]}).json()["data"]] == [ids[0]]


def test_others_see_nothing(api: APIClient, other_api: APIClient) -> None:
    url = f"{JOBS}/{create(api).json()['id']}"
    assert other_api.get(JOBS).json()["data"] == []
    for address in (url, f"{url}/events", f"{url}/checkpoints"):
        assert other_api.get(address).status_code == 404
    for verb in ("cancel", "pause", "resume"):
        assert other_api.post(f"{url}/{verb}").status_code == 404
    assert TrainingJob.objects.get().status == JobStatus.PENDING


def test_going_on_from_a_fine_tuned_model(api: APIClient) -> None:
    create(api, suffix="first")
    first = TrainingJob.objects.get()
    succeed(first)
    name = FineTuningJob.objects.get().fine_tuned_model
    body = create(api, model=f"{name}:ckpt-step-10", suffix="second").json()
    second = TrainingJob.objects.order_by("-id").first()
    assert second is not None
    assert (second.base_fine_tuned_model, second.base_fine_tuned_model_checkpoint) == (first.name, 1)
    assert body["model"] == f"{name}:ckpt-step-10"


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    """Whatever is deployed is up at once, on a stand-in for its engine."""

    def routes() -> list[Any]:
        return [
            make_base_route(
                engine.port, models=(row.public_id, row.name), organization_id=row.organization_id
            )
            for row in Deployment.objects.all()
        ]

    with FakeEngine() as engine:
        monkeypatch.setattr(selectors, "routes", routes)
        yield engine


@pytest.mark.parametrize("step", [None, 10])
def test_who_first_names_the_model_gets_it_deployed(
    api: APIClient, other_api: APIClient, engine: FakeEngine, step: int | None
) -> None:
    create(api, suffix="sums")
    succeed(TrainingJob.objects.get())
    name = FineTuningJob.objects.get().fine_tuned_model
    if step is not None:
        name = names.checkpoint_name(name, step)
    chat = {"model": name, "messages": [{"role": "user", "content": "What is 2 + 2?"}]}
    assert other_api.post("/openai/v1/chat/completions", chat, format="json").status_code == 404
    for _ in range(2):
        answer = api.post("/openai/v1/chat/completions", chat, format="json")
        assert (answer.status_code, answer.json()["model"]) == (200, name)
    deployment = Deployment.objects.get()
    assert (deployment.name, deployment.checkpoint) == (name, 1 if step else 2)


def test_a_model_that_is_not_ready_is_not_there(api: APIClient, engine: FakeEngine) -> None:
    create(api)
    name = FineTuningJob.objects.get().fine_tuned_model
    chat = {"model": name, "messages": [{"role": "user", "content": "Hello"}]}
    assert api.post("/openai/v1/chat/completions", chat, format="json").status_code == 404
    assert not Deployment.objects.exists()
