"""What it takes to start an engine on this host: its weights, a free port, its command line."""

import json
import math
import shutil
import socket
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from embassy.catalog import weights
from embassy.engines import archives, machine
from embassy.engines.command import (
    BERT_TARGETS,
    CAUSAL_TARGETS,
    Command,
    Device,
    EngineOptions,
    engine_command,
)
from embassy.engines.keys import Archive
from embassy.engines.models import Adapter, Engine, Host
from embassy.engines.sizing import gpu_cache_bytes, kv_cache_bytes

SUFFIX_LENGTH = 8
LEFT_OVER_S = 60.0


@dataclass(frozen=True)
class Launch:
    """Everything for `start_child`. The options' folder is to be deleted when the engine has ended."""

    options: EngineOptions
    command: Command
    log: Path


def prepare(engine: Engine) -> Launch:
    """Raises the errors of weights.locate and of fetching an archive. May take as long as a download."""
    sweep_archives()
    sweep_folders()
    model = model_folder(engine)
    chosen = options(engine, model, new_folder(engine), free_port(settings.ENGINE_HOST))
    return Launch(options=chosen, command=engine_command(chosen), log=new_log(engine))


def model_folder(engine: Engine) -> Path:
    if engine.archive_key:
        return archives.model(Archive(engine.archive_key, engine.sha256))
    return weights.locate(engine.base_model)


def sweep_archives() -> None:
    archives.sweep("adapters", keep=set(Adapter.objects.values_list("sha256", flat=True)))
    archives.sweep("models", keep=set(Engine.objects.values_list("sha256", flat=True)))


def options(engine: Engine, model: Path, folder: Path, port: int) -> EngineOptions:
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    device: Device = "cuda" if machine.serves_on_gpus() else "cpu"
    return EngineOptions(
        model=model,
        kind=engine.kind,  # type: ignore[arg-type]  # the column's choices are these literals
        device=device,
        dtype=engine.dtype,
        max_model_len=engine.max_model_len,
        folder=folder,
        cache=settings.CACHE_DIR / "vllm",
        host=settings.ENGINE_HOST,
        port=port,
        api_key=engine.api_key,
        lora=engine.rank > 0,
        lora_targets=CAUSAL_TARGETS if is_causal(config) else BERT_TARGETS,
        max_lora_rank=engine.rank,
        kv_cache_bytes=cache_bytes(config, engine, device),
        can_sleep=device == "cuda" and settings.ENGINE_SLEEP_SECONDS > 0,
        **gpu_options(engine),
    )


def cache_bytes(config: dict[str, Any], engine: Engine, device: Device) -> int | None:
    """What the engine's place was reckoned with; None leaves a GPU that was not shared out to vLLM."""
    if device == "cpu":
        return kv_cache_bytes(config, dtype=engine.dtype, max_model_len=engine.max_model_len)
    if not engine.gpus:
        return None
    return gpu_cache_bytes(
        config, dtype=engine.dtype, max_model_len=engine.max_model_len, gpus=len(engine.gpus)
    )


def gpu_options(engine: Engine) -> dict[str, Any]:
    """The GPUs of its place, and its share of each."""
    if not engine.gpus:
        return {}
    host = Host.objects.get(name=engine.host_name)
    sizes = [gpu["memory_bytes"] for gpu in host.gpus if gpu["index"] in engine.gpus]
    share = (engine.need_bytes or 0) / len(engine.gpus) / min(sizes)
    return {
        "gpus": tuple(engine.gpus),
        "tensor_parallel_size": len(engine.gpus),
        "gpu_memory_utilization": math.ceil(share * 1000) / 1000,
    }


def is_causal(config: dict[str, Any]) -> bool:
    return str((config.get("architectures") or [""])[0]).endswith("ForCausalLM")


def free_port(host: str) -> int:
    """A port that nobody listens on now; if somebody takes it first, the engine fails to start."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def new_folder(engine: Engine) -> Path:
    """An empty folder with a short path, because the engine makes Unix sockets in it."""
    for left_over in folders_of(engine):
        shutil.rmtree(left_over, ignore_errors=True)  # of a run that was killed
    return Path(tempfile.mkdtemp(prefix=_prefix(engine)))


def sweep_folders() -> None:
    """Remove what killed runs left, of engines that nobody runs now; one that is being claimed is young."""
    for engine in Engine.objects.filter(lease_until=None):
        for folder in folders_of(engine):
            with suppress(OSError):  # another worker of this machine may be at it too
                if time.time() - folder.stat().st_mtime > LEFT_OVER_S:
                    shutil.rmtree(folder, ignore_errors=True)


def folders_of(engine: Engine) -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"{_prefix(engine)}*"))


def _prefix(engine: Engine) -> str:
    return f"embassy-{engine.public_id[-SUFFIX_LENGTH:]}-"


def new_log(engine: Engine) -> Path:
    """The log of this run; that of the run before is kept beside it."""
    log = Path(settings.HOME) / "engines" / f"{engine.public_id}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    return log


def last_words(log: Path, *, limit: int = 300) -> str:
    """The last line that tells of an error, else the last line at all."""
    if not log.exists():
        return ""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-400:]]
    telling = [line for line in lines if "Error" in line] or [line for line in lines if line]
    return telling[-1][-limit:] if telling else ""
