"""What changes as training goes on; `progress` runs from 0 to 1."""

WARM_UP_STEPS = 50
TOKENS_PER_STEP = 4096
_FINAL_RATE = 0.02


def row_length(progress: float) -> int:
    """Tokens per row: short rows first, because they cost less and teach most."""
    if progress < 0.60:
        return 128
    return 256 if progress < 0.85 else 512


def rate_factor(step: int, progress: float) -> float:
    """The share of the full learning rate: warm-up, constant to the middle, then linear to 2 %."""
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    cool = 1.0 if progress < 0.5 else 1.0 - (1.0 - _FINAL_RATE) * (progress - 0.5) / 0.5
    return warm * cool
