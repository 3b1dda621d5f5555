"""What a standby of the stand-in would import once: nothing."""

ENVIRONMENT: dict[str, str] = {}


def preload() -> None:
    """Nothing is heavy here."""
