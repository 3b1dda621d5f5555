"""OpenAI's own Python client against the platform: only address, key and model name are ours."""

import json
from typing import Any

import openai
import pytest

from tests.e2e.live import LivePlatform, sample_rows
from tests.waiting import wait_for

pytestmark = pytest.mark.e2e

MODEL = "tiny-llama-instruct"


@pytest.fixture(scope="module")
def client(platform: LivePlatform) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{platform.url}/openai/v1", api_key=platform.key, timeout=120)


def as_chat(row: dict[str, Any]) -> dict[str, Any]:
    if "messages" in row:
        return {"messages": row["messages"]}
    asked, said = row["prompt"], row["completion"]
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]}


def test_a_fine_tuning_script(client: openai.OpenAI) -> None:
    """Upload, create, poll, look at events and checkpoints, use the model."""
    rows = [as_chat(row) for row in sample_rows("train", 200)]
    content = "\n".join(map(json.dumps, rows)).encode()
    file = client.files.create(file=("train.jsonl", content), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(
        model=MODEL,
        training_file=file.id,
        suffix="tickets",
        method={
            "type": "supervised",
            "supervised": {"hyperparameters": {"n_epochs": 2, "batch_size": 16}},
        },
    )

    def ended() -> Any:
        seen = client.fine_tuning.jobs.retrieve(job.id)
        return seen if seen.status in ("succeeded", "failed", "cancelled") else None

    done = wait_for(ended, "the job to end", seconds=180)
    assert (done.status, done.error) == ("succeeded", None)
    events = client.fine_tuning.jobs.list_events(job.id, limit=10)
    assert any(event.type == "metrics" for event in events)
    checkpoints = client.fine_tuning.jobs.checkpoints.list(job.id).data
    assert len(checkpoints) == 2

    for model in (done.fine_tuned_model, checkpoints[-1].fine_tuned_model_checkpoint):
        answer = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": rows[0]["messages"][0]["content"]}]
        )
        assert answer.model == model
        assert answer.choices[0].message.content
    assert done.fine_tuned_model in {model.id for model in client.models.list()}


def test_chats(client: openai.OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "Hello"}]
    whole = client.chat.completions.create(
        model=MODEL, messages=messages, temperature=0, max_tokens=64, store=True, metadata={"run": "e2e"}
    )
    with client.chat.completions.stream(
        model=MODEL, messages=messages, temperature=0, max_tokens=64
    ) as stream:
        streamed = stream.get_final_completion()
    assert streamed.choices[0].message.content == whole.choices[0].message.content
    stored = client.chat.completions.retrieve(whole.id)
    assert stored.choices[0].message.content == whole.choices[0].message.content
    assert [entry.content for entry in client.chat.completions.messages.list(whole.id)] == ["Hello"]
    assert whole.id in {chat.id for chat in client.chat.completions.list(metadata={"run": "e2e"})}
    assert client.chat.completions.delete(whole.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(whole.id)


def test_files(client: openai.OpenAI) -> None:
    file = client.files.create(
        file=("a.txt", b"some text"),
        purpose="user_data",
        expires_after={"anchor": "created_at", "seconds": 3600},
    )
    assert client.files.content(file.id).read() == b"some text"
    assert file.id in {seen.id for seen in client.files.list(purpose="user_data")}
    assert client.files.delete(file.id).deleted


def test_errors_are_the_clients_own(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.fine_tuning.jobs.retrieve("ftjob-none")
    assert missing.value.code == "object_not_found"
    with pytest.raises(openai.BadRequestError) as wrong:
        client.fine_tuning.jobs.create(model=MODEL, training_file="file-none")
    assert wrong.value.param == "training_file"
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="wrong").models.list()
