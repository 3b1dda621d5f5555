"""What training costs, wherever it is told."""

from django.conf import settings

from embassy.training.preflight.result import Cost


def cost_of(seconds: float) -> Cost | None:
    """Of so much training; None unless the installation has set a price."""
    price = settings.PRICE_PER_HOUR
    if price is None:
        return None
    amount = round(seconds / 3600 * price, 4)
    return Cost(amount=amount, currency=settings.CURRENCY, price_per_hour=price)
