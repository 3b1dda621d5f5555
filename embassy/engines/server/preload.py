"""What the standby does before it forks engines: imports. No tensor, no thread, no CUDA call."""

import importlib

from embassy.engines.server.build import is_cpu_build

_COMMON = {
    # vLLM's API server and engine core talk through a socket in the engine's folder, which is the working
    # directory of both: a relative path stays far below the 107 bytes that a socket's path may have.
    "VLLM_RPC_BASE_PATH": ".",
    "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
    "VLLM_WORKER_MULTIPROC_METHOD": "fork",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_PLUGINS": "",  # none: a plugin would run code in every engine because a package happens to be there
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # scikit-learn and pandas bring pyarrow, whose allocator would start a thread.
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
# More than one OpenMP thread spins against the other cores' under load, 50 times slower; dynamo compiles a
# helper at the first request for logprobs, for seconds and no gain, as engines on CPU run eagerly.
_CPU = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TORCHDYNAMO_DISABLE": "1",
}

ENVIRONMENT: dict[str, str] = _COMMON | (_CPU if is_cpu_build() else {})

_MODULES = [
    "vllm.entrypoints.launchers.api_server.entry",
    "vllm.entrypoints.launchers.cli_args",
    "vllm.v1.engine.async_llm",
    "vllm.v1.engine.core",
    "vllm.v1.executor.uniproc_executor",
    "vllm.lora.worker_manager",
    "vllm.model_executor.models.llama",
    "vllm.model_executor.models.bert",
    "vllm.model_executor.models.adapters",
    "uvloop",
    "xgrammar",
]
_CPU_MODULES = [
    "vllm.v1.worker.cpu_worker",
    "vllm.v1.worker.cpu_model_runner",
    "vllm.lora.punica_wrapper.punica_cpu",
]
_CUDA_MODULES = [
    "vllm.v1.worker.gpu_worker",
    "vllm.v1.worker.gpu_model_runner",
    "vllm.lora.punica_wrapper.punica_gpu",
]


def preload() -> None:
    """Import everything an engine needs and apply the patches. Raises RuntimeError if that touched CUDA."""
    for module in [*_MODULES, *(_CPU_MODULES if is_cpu_build() else _CUDA_MODULES)]:
        importlib.import_module(module)
    importlib.import_module("embassy.engines.server.patches").apply()
    if importlib.import_module("torch").cuda.is_initialized():
        raise RuntimeError("An import has initialised CUDA; engines cannot be forked from here.")
