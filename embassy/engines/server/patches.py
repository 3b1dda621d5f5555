"""Changes to vLLM: two processes instead of three, forked instead of spawned, and on a CPU a fault mended."""

import ctypes
import functools
import multiprocessing
import os
import signal
import socket
import stat
from collections.abc import Callable
from typing import Any, TypeVar

from vllm.lora.ops.torch_ops import lora_ops
from vllm.lora.punica_wrapper import punica_cpu
from vllm.model_executor.models import registry
from vllm.platforms import current_platform
from vllm.v1.engine.core import EngineCoreProc

_PR_SET_PDEATHSIG = 1

T = TypeVar("T")


@functools.cache
def apply() -> None:
    """Patch vLLM in this process and its forks. On CUDA only what is safe there."""
    _end_core_with_server()
    if current_platform.is_cpu():
        _keep_fork()
        _inspect_models_here()
        _spare_requests_without_adapter()


def _keep_fork() -> None:
    """The CPU platform insists on spawn, which would import vLLM once more for the engine core."""
    platform = type(current_platform)
    original = platform.check_and_update_config.__func__

    def check_and_update_config(cls: type, config: Any) -> None:
        original(cls, config)
        os.environ["VLLM_WORKER_MULTIPROC_METHOD"] = "fork"

    platform.check_and_update_config = classmethod(check_and_update_config)


def _inspect_models_here() -> None:
    """vLLM looks at each new architecture in a subprocess, because of CUDA; that imports vLLM again."""

    def run_here(function: Callable[[], T]) -> T:
        return function()

    registry._run_in_subprocess = run_here  # noqa: SLF001 - there is no setting for it


def _spare_requests_without_adapter() -> None:
    """Requests to the base model are no adapter's, also in one batch with requests that are.

    They have the index -1. The CPU kernels look weights up by it, which finds the last place for adapters, so
    the base model would answer as whichever adapter lies there.
    """
    original = lora_ops.bgmv_shrink

    def bgmv_shrink(inputs: Any, weights: Any, output: Any, indices: Any, scaling: float = 1.0) -> None:
        original(inputs, weights, output, indices, scaling)
        output[: len(indices)].masked_fill_((indices < 0).unsqueeze(1), 0)  # and nothing comes of nothing

    lora_ops.bgmv_shrink = punica_cpu.bgmv_shrink = bgmv_shrink


def _end_core_with_server() -> None:
    """The engine core would outlive a killed API server, holding its port and its memory."""
    original = EngineCoreProc.run_engine_core

    @functools.wraps(original)
    def run_engine_core(*args: Any, **kwargs: Any) -> None:
        _die_with_server()
        _close_listening_sockets()
        original(*args, **kwargs)

    EngineCoreProc.run_engine_core = staticmethod(run_engine_core)


def _die_with_server() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    server = multiprocessing.parent_process()
    if server is not None and os.getppid() != server.pid:  # it died before we asked
        os._exit(1)


def _close_listening_sockets() -> None:
    """A forked engine core holds a copy of the API server's port; a client could connect to it and hang."""
    for name in os.listdir("/proc/self/fd"):
        try:
            is_socket = stat.S_ISSOCK(os.fstat(int(name)).st_mode)
        except OSError:
            continue  # the descriptor of the listing itself
        if is_socket and _is_listening(int(name)):
            os.close(int(name))


def _is_listening(descriptor: int) -> bool:
    # Through a duplicate: closing the Python object must not close the descriptor that it looked at.
    with socket.socket(fileno=os.dup(descriptor)) as copy:
        return bool(copy.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
