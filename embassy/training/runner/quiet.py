"""What no trainer here needs to do."""

from __future__ import annotations

from typing import Any


class Quiet:
    """Mixed into a trainer: nothing is computed or written that nobody reads."""

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """Exports carry evidence instead."""

    def floating_point_ops(self, _inputs: Any) -> int:
        """Counting them walks all modules in each step."""
        return 0
