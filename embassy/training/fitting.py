"""Whether a run fits into the memory that there is. Pure; sizes in bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from embassy.training.footprint import Footprint
from embassy.training.spec import Parameters

# Estimates lie between 0.7 and 1.5 of what is measured: only beyond that is the answer sure.
_COMFORTABLE, _HOPELESS = 0.7, 1.5


@dataclass(frozen=True)
class Fit:
    """An estimate beside what a trainer, once it has started, may still take."""

    footprint: Footprint
    available: int

    @property
    def fits(self) -> bool | None:
        """None if it is too close to say."""
        if self.is_hopeless:
            return False
        return True if self.footprint.beyond_libraries <= self._sure else None

    @property
    def is_hopeless(self) -> bool:
        """Whether even an estimate that is far too high would not fit, or what is held all the time."""
        footprint = self.footprint
        held = footprint.weights + footprint.adapter + footprint.gradients + footprint.optimizer
        return held > self.available or footprint.beyond_libraries > self.available * _HOPELESS

    def as_dict(self) -> dict[str, Any]:
        return {
            "parts": self.footprint.parts,
            "peak_bytes": self.footprint.total,
            "available_bytes": self.available,
            "fits": self.fits,
        }

    def refusal(self, parameters: Parameters) -> str:
        return (
            f"The run would take about {gib(self.footprint.beyond_libraries)} of memory, and"
            f" {gib(self.available)} is free. {' '.join(remedies(self.footprint, parameters))}"
        )

    @property
    def _sure(self) -> float:
        return self.available * _COMFORTABLE


def remedies(footprint: Footprint, parameters: Parameters) -> list[str]:
    """What would help, the most effective first; sentences."""
    step = footprint.activations + footprint.logits + footprint.sampling
    held = footprint.weights + footprint.gradients + footprint.optimizer + footprint.export
    about_rows, about_model = _about_rows(parameters), _about_model(parameters)
    found = about_rows + about_model if step > held else about_model + about_rows
    return [*found, "Or train on a host with more memory."]


def _about_rows(parameters: Parameters) -> list[str]:
    found = []
    if parameters.per_device_train_batch_size > 1:
        found.append(
            "Lower per_device_train_batch_size, and raise gradient_accumulation_steps to make up for it."
        )
    if not parameters.gradient_checkpointing:
        found.append("Turn gradient_checkpointing on.")
    return [*found, "Lower max_length."]


def _about_model(parameters: Parameters) -> list[str]:
    if parameters.full_fine_tuning:
        return ["Train an adapter instead of every weight (full_fine_tuning false)."]
    return [] if parameters.load_in_4bit else ["Load the base model in 4 bits (load_in_4bit)."]


def gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
