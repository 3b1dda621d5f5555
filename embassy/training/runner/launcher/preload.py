"""What the launcher and the processes that it starts find in their environment."""

from __future__ import annotations

from embassy.training.runner.preload import ENVIRONMENT as TRAINING

ENVIRONMENT = {
    **TRAINING,
    # All processes are on this host: nothing of theirs listens on another interface than its own loop.
    "GLOO_SOCKET_IFNAME": "lo",
    "NCCL_SOCKET_IFNAME": "lo",
    "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",
}


def preload() -> None:
    """The launcher is not kept on standby."""
