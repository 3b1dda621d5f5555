"""What a program offers to a standby."""

ENVIRONMENT: dict[str, str] = {}


def preload() -> None:
    """Nothing is heavy here."""
