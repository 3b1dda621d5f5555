"""What a trainer does differently when its model is spread over several processes."""

from __future__ import annotations

import os
from typing import Any

from accelerate import PartialState
from accelerate.utils import DistributedType
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict


class Sharded:
    """Mixed into a trainer; does nothing unless accelerate was told to shard (FSDP)."""

    is_fsdp_enabled = False
    model: Any
    args: Any

    def create_accelerator_and_postprocess(self) -> None:
        _allow_on_cpu()
        super().create_accelerator_and_postprocess()  # type: ignore[misc]

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Gather what is trained, and only that: a frozen base need not travel to be left out."""
        if not self.is_fsdp_enabled:
            return super().save_model(output_dir, _internal_call)  # type: ignore[misc,no-any-return]
        weights = whole_weights(self.model)
        if self.args.should_save:
            self._save(output_dir, state_dict=weights)
        return None

    def shares(self, num_items_in_batch: Any) -> int:
        """What to multiply a loss by that was divided by the items of all processes: they average theirs."""
        return 1 if num_items_in_batch is None else int(self.args.world_size)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        super()._save(output_dir, state_dict=state_dict)  # type: ignore[misc]


def whole_weights(model: Any) -> dict[str, Any]:
    """The trained weights in full, on the first process; every process must call this."""
    options = StateDictOptions(
        full_state_dict=True, cpu_offload=True, ignore_frozen_params=hasattr(model, "peft_config")
    )
    weights: dict[str, Any] = get_model_state_dict(model, options=options)
    return weights


def _allow_on_cpu() -> None:
    """accelerate offers FSDP to accelerators only, though gloo shards on CPUs just as well.

    Where it was asked for, the kind of the group is named otherwise; accelerate then makes FSDP of that.
    """
    state = PartialState._shared_state  # noqa: SLF001 - there is no other way in
    if state.get("distributed_type") is DistributedType.MULTI_CPU and _is_asked_for():
        state["distributed_type"] = DistributedType.MULTI_GPU


def _is_asked_for() -> bool:
    """By the launcher, which reads accelerate's configuration file."""
    return os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true"
