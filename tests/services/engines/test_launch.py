"""An engine's place on a host, as the options of its start."""

from pathlib import Path

import pytest
from pytest_django import Settings

from embassy.catalog import weights
from embassy.engines import launch, machine, observe, queue
from embassy.engines.command import EngineOptions, engine_command
from embassy.engines.models import Engine
from embassy.engines.sizing import Need, kv_cache_bytes
from tests.factories.deployments import BASE, make_engine, tiny_config
from tests.factories.hosts import bytes_of, make_host

pytestmark = pytest.mark.django_db
GB = 1000**3


@pytest.fixture
def on_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "serves_on_gpus", lambda: True)


def placed() -> Engine:
    engine = make_engine()
    queue.advance()
    claimed = observe.claim(engine_pk=engine.pk)
    assert claimed is not None
    return claimed


def options(engine: Engine, folder: Path) -> EngineOptions:
    return launch.options(engine, weights.locate(BASE), folder, 9000)


def test_share_of_one_gpu(on_gpus: None, tmp_path: Path) -> None:
    make_host(gpus=[{"index": 5, "name": "H200", "memory_bytes": 140 * GB}])
    engine = placed()
    found = options(engine, tmp_path)
    assert (found.device, found.gpus, found.tensor_parallel_size) == ("cuda", (5,), 1)
    assert engine.need_bytes is not None
    assert found.gpu_memory_utilization * 140 * GB >= engine.need_bytes
    assert found.gpu_memory_utilization < 0.03
    expected = kv_cache_bytes(tiny_config(), dtype="float32", max_model_len=1024, sequences=16)
    assert found.kv_cache_bytes == expected
    assert engine_command(found).env["CUDA_VISIBLE_DEVICES"] == "5"


def test_model_that_is_larger_than_a_gpu_is_split(
    on_gpus: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_host(gpus=[{"index": index, "name": "L4", "memory_bytes": 24 * GB} for index in range(4)])
    large = Need(host=0, split=50 * GB, each=2 * GB, heads=4)
    monkeypatch.setattr(queue, "need_of", lambda _: large)
    found = options(placed(), tmp_path)
    assert (found.gpus, found.tensor_parallel_size) == ((0, 1, 2, 3), 4)
    assert found.gpu_memory_utilization == pytest.approx(14.5 / 24, abs=0.001)


def test_hand_started_on_gpus_leaves_the_share_to_vllm(on_gpus: None, tmp_path: Path) -> None:
    found = options(placed(), tmp_path)
    assert (found.gpus, found.kv_cache_bytes, found.tensor_parallel_size) == ((), None, 1)


def test_on_a_cpu_the_cache_is_what_was_reckoned(settings: Settings, tmp_path: Path) -> None:
    settings.ENGINE_HOST = "127.0.0.2"
    make_host()
    engine = placed()
    found = options(engine, tmp_path)
    assert (found.device, found.host, found.gpus) == ("cpu", "127.0.0.2", ())
    assert found.kv_cache_bytes is not None
    assert found.kv_cache_bytes < bytes_of(engine) == engine.need_bytes
