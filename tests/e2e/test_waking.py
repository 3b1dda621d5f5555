"""Waking a model that is stopped: once for all who wait, without a standby too, and after a sudden death."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

from tests.chaos.victims import engines_of, main_of
from tests.e2e.asking import Answer, Question, ask, client_of
from tests.e2e.conftest import Trained
from tests.e2e.inside import Inside
from tests.e2e.live import LivePlatform
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

REQUESTS = 200
COLD_START_S = 150.0  # without a standby an engine imports all by itself, and the machine may have much to do
PROMPT = "I was charged twice for the same order."
STANDBY = "standby-engines"
WITHOUT_END = {"1": -100, "2": -100, "4": -100}  # tokens that end an answer

STARTS = "SELECT attempts FROM engines_engine WHERE public_id = %s"
WAKES = """
    SELECT count(*) FROM deployments_wake w JOIN deployments_deployment d ON d.id = w.deployment_id
    WHERE d.public_id = %s
"""
PORT = "SELECT port FROM engines_engine WHERE public_id = %s"


@dataclass(frozen=True)
class Sleeper:
    """A deployment on an engine of its own."""

    platform: LivePlatform
    inside: Inside
    engine: str
    deployment: str
    expected: str

    def put_to_sleep(self) -> None:
        self.platform.call("POST", f"/v1/engines/{self.engine}/deactivate", expect=204)
        wait_for(lambda: self.status == "Inactive", "the engine to be stopped", seconds=60)

    @property
    def status(self) -> str:
        return str(self.platform.call_patiently("GET", f"/v1/engines/{self.engine}")["status"])

    @property
    def starts(self) -> int:
        return int(self.inside.rows(STARTS, self.engine)[0][0])

    @property
    def wakes(self) -> int:
        return int(self.inside.rows(WAKES, self.deployment)[0][0])

    def process(self) -> psutil.Process:
        """The engine's own, by the port that it listens on."""
        [(port,)] = self.inside.rows(PORT, self.engine)
        [process] = [p for p in engines_of(self.platform) if port in listening(p)]
        return process

    def question(self, *, chat: bool = False, stream: bool = False) -> Question:
        body: dict[str, Any] = {"model": self.deployment, "temperature": 0, "max_tokens": 8, "stream": stream}
        if chat:
            messages = [{"role": "user", "content": PROMPT}]
            return Question("/v1/chat/completions", body | {"messages": messages})
        return Question("/v1/completions", body | {"prompt": PROMPT})

    def ask(self) -> str:
        question, patience = self.question(), {"X-Scale-Up-Timeout": f"{COLD_START_S:g}"}
        answer = self.platform.call(
            "POST", question.path, json=question.body, headers=patience, timeout=COLD_START_S + 20
        )
        return str(answer["choices"][0]["text"])


def listening(process: psutil.Process) -> set[int]:
    everyone = [process, *process.children(recursive=True)]
    return {
        c.laddr.port for p in everyone for c in p.net_connections("tcp") if c.status == psutil.CONN_LISTEN
    }


@pytest.fixture(scope="module")
def sleeper(platform: LivePlatform, trained: Trained) -> Iterator[Sleeper]:
    engine = platform.call(
        "POST", "/v1/engines", expect=201, json={"name": "waking", "base_model": "tiny-llama-instruct"}
    )["id"]
    body = {
        "project_id": trained.project,
        "training_id": trained.job["id"],
        "checkpoint": 4,
        "name": "light sleeper",
    }
    deployment = platform.call("POST", f"/v1/engines/{engine}/deploy", expect=201, json=body)["id"]
    platform.wait_for_deployment(trained.project, deployment)
    with Inside(platform.home) as inside:
        sleeper = Sleeper(platform, inside, engine, deployment, expected="billing")
        assert sleeper.ask() == sleeper.expected
        yield sleeper
    platform.call("DELETE", f"/v1/projects/{trained.project}/deployments/{deployment}", expect=204)
    platform.call("DELETE", f"/v1/engines/{engine}", expect=204)


def test_two_hundred_requests_wake_it_once(sleeper: Sleeper) -> None:
    sleeper.put_to_sleep()
    starts, wakes = sleeper.starts, sleeper.wakes

    answers = asyncio.run(ask_at_once(sleeper, REQUESTS))

    assert [answer for answer in answers if answer.said != sleeper.expected] == []
    assert len(answers) == REQUESTS
    assert (sleeper.starts, sleeper.wakes) == (starts + 1, wakes + 1)


async def ask_at_once(sleeper: Sleeper, count: int) -> list[Answer]:
    """Completions and chats, plain and streamed."""
    questions = [sleeper.question(chat=number % 2 == 0, stream=number % 4 < 2) for number in range(count)]
    async with client_of(sleeper.platform) as session:
        return await asyncio.gather(*(ask(session, question) for question in questions))


def test_it_wakes_without_a_standby_which_comes_back(sleeper: Sleeper) -> None:
    [before] = main_of(sleeper.platform, STANDBY)
    sleeper.put_to_sleep()

    before.kill()

    assert sleeper.ask() == sleeper.expected
    [after] = wait_for(
        lambda: [p for p in main_of(sleeper.platform, STANDBY) if p.pid != before.pid],
        "the standby to be started again",
        seconds=60,
    )
    assert after.is_running()


def test_an_engine_that_is_killed_in_a_stream_answers_the_next_request(sleeper: Sleeper) -> None:
    question = sleeper.question(chat=True, stream=True)
    assert sleeper.ask() == sleeper.expected
    engine = sleeper.process()
    body = question.body | {"max_tokens": 800, "logit_bias": WITHOUT_END}
    with sleeper.platform.http.stream("POST", question.path, json=body) as response:
        lines = (line for line in response.iter_lines() if line.startswith("data:"))
        next(lines)
        engine.kill()
        last = json.loads(list(lines)[-1].removeprefix("data:"))

    assert (last["status"], last["code"]) == (503, "engine_lost")
    assert sleeper.ask() == sleeper.expected
    assert sleeper.status == "Active"
