"""What something used, in numbers, and what that costs."""

from dataclasses import dataclass

from django.conf import settings

from embassy.inference.spending import Total

HOUR, MILLION = 3600, 1_000_000


@dataclass
class Figures:
    requests: int = 0
    errors: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    engine_seconds: float = 0
    training_seconds: float = 0

    @classmethod
    def of(cls, total: Total, training_seconds: float = 0) -> "Figures":
        return cls(
            total.requests,
            total.errors,
            total.prompt_tokens,
            total.completion_tokens,
            total.engine_milliseconds / 1000,
            training_seconds,
        )

    def add(self, other: "Figures") -> None:
        for name in NAMES:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    @property
    def error_percent(self) -> float:
        return 100 * self.errors / self.requests if self.requests else 0.0

    @property
    def cost(self) -> float | None:
        """In settings.CURRENCY; None unless the installation has set a price."""
        return cost_of(self) if has_prices() else None


NAMES = tuple(Figures.__dataclass_fields__)


def has_prices() -> bool:
    return any(price is not None for price in _prices())


def cost_of(figures: Figures) -> float:
    used = (
        figures.training_seconds / HOUR,
        figures.engine_seconds / HOUR,
        figures.prompt_tokens / MILLION,
        figures.completion_tokens / MILLION,
    )
    return sum(amount * (price or 0) for amount, price in zip(used, _prices(), strict=True))


def _prices() -> tuple[float | None, ...]:
    return (
        settings.PRICE_PER_HOUR,
        settings.ENGINE_PRICE_PER_HOUR,
        settings.INPUT_PRICE_PER_MILLION,
        settings.OUTPUT_PRICE_PER_MILLION,
    )
