"""Fifty deployments on one engine, each of which answers as transformers and PEFT do with its adapter."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.inside import Inside
from tests.e2e.live import LivePlatform
from tests.e2e.reference import Expected, Writer, logits_of
from tests.e2e.variants import Variant, make_variants, train_original
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

COUNT, TOKENS, AT_ONCE = 50, 12, 16
PROMPT = "I was charged twice for the same order."
MESSAGE = "What is the capital of France?"
CLASSES = (2, 3, 5, 8, 13)

Json = dict[str, Any]


class Served:
    """Variants, each deployed under a name of its own."""

    def __init__(self, platform: LivePlatform, project: str, variants: list[Variant]) -> None:
        self.platform = platform
        self._path = f"/v1/projects/{project}/deployments"
        self.variants = {f"many-{variant.job[-6:]}-{variant.checkpoint}": variant for variant in variants}

    def deploy(self) -> None:
        """All at once."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            self._ids = list(pool.map(self._deploy, self.variants.items()))
        wait_for(self._all_up, f"{len(self._ids)} deployments to be up", seconds=90)

    def delete(self) -> None:
        for id_ in self._ids:
            self.platform.call("DELETE", f"{self._path}/{id_}", expect=204)

    def ask_all(self, path: str, question: Json, times: int = 1) -> dict[str, list[Json]]:
        """The same question to each, so many `times`, all mixed."""
        asked = [name for _ in range(times) for name in self.variants]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = pool.map(
                lambda name: self.platform.call("POST", path, json=question | {"model": name}), asked
            )
            said: dict[str, list[Json]] = {name: [] for name in self.variants}
            for name, answer in zip(asked, answers, strict=True):
                said[name].append(answer)
        return said

    def _deploy(self, item: tuple[str, Variant]) -> str:
        name, variant = item
        body = {"training_job_id": variant.job, "checkpoint": variant.checkpoint, "name": name}
        return str(self.platform.call("POST", self._path, expect=201, json=body)["id"])

    def _all_up(self) -> bool:
        rows = self.platform.call("GET", self._path)
        return {row["id"] for row in rows if row["status"] == "Deployed"} >= set(self._ids)


@pytest.fixture(scope="module")
def project(platform: LivePlatform) -> str:
    return platform.create_project("many adapters")


@pytest.fixture(scope="module")
def writers(platform: LivePlatform, project: str) -> Iterator[Served]:
    job = train_original(platform, project, "text-generation")
    yield from deployed(platform, project, job, [()] * COUNT)


@pytest.fixture(scope="module")
def classifiers(platform: LivePlatform, project: str) -> Iterator[Served]:
    job = train_original(platform, project, "classification")
    labels = [tuple(f"class {number}" for number in range(count)) for count in CLASSES]
    yield from deployed(platform, project, job, labels)


def deployed(
    platform: LivePlatform, project: str, job: str, labels: list[tuple[str, ...]]
) -> Iterator[Served]:
    with Inside(platform.home) as inside:
        served = Served(platform, project, make_variants(inside, job, labels))
    served.deploy()
    yield served
    served.delete()


def test_each_of_fifty_answers_as_its_adapter_does(writers: Served, tmp_path: Path) -> None:
    options = {"temperature": 0, "max_tokens": TOKENS}
    completions = writers.ask_all("/v1/completions", options | {"prompt": PROMPT}, times=2)
    messages = [{"role": "user", "content": MESSAGE}]
    chats = writers.ask_all("/v1/chat/completions", options | {"messages": messages, "logprobs": True})

    folders = {name: variant.unpack(tmp_path / name) for name, variant in writers.variants.items()}
    writer = Writer(list(folders.values()))
    pairs = set()
    for name in writers.variants:
        completion, chat = (writer.answer(name, question, tokens=TOKENS) for question in (PROMPT, MESSAGE))
        for answer in completions[name]:
            assert completion.agrees(answer["choices"][0]["text"]), (name, answer, completion.text)
        assert_same(chats[name][0]["choices"][0], chat)
        pairs.add((completion.text, chat.text))
    assert len(pairs) == COUNT


def assert_same(choice: Json, expected: Expected) -> None:
    text = choice["message"]["content"]
    assert expected.agrees(text), (text, expected.text)
    if text == expected.text:
        said = [token["logprob"] for token in choice["logprobs"]["content"]]
        assert said[: len(expected.logprobs)] == pytest.approx(expected.logprobs[: len(said)], abs=0.005)


def test_all_are_on_one_engine(writers: Served) -> None:
    ids = [variant.job for variant in writers.variants.values()]
    with Inside(writers.platform.home) as inside:
        [(engines, adapters)] = inside.rows(
            "SELECT count(DISTINCT d.engine_id), count(a.loaded_at) FROM deployments_deployment d"
            " JOIN engines_adapter a ON a.id = d.adapter_id"
            " JOIN training_trainingjob j ON j.id = d.training_job_id WHERE j.public_id = ANY(%s)",
            ids,
        )
    assert (engines, adapters) == (1, COUNT)


def test_heads_of_many_sizes_share_an_engine(classifiers: Served, tmp_path: Path) -> None:
    said = classifiers.ask_all("/v1/classification", {"input": PROMPT}, times=4)

    for name, variant in classifiers.variants.items():
        expected = logits_of(variant.unpack(tmp_path / name), len(variant.labels), PROMPT)
        for answer in said[name]:
            logits = answer["data"][0]["logits"]
            assert list(logits) == list(variant.labels)
            assert list(logits.values()) == pytest.approx(expected, abs=0.01)
