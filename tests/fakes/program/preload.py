"""What a program offers to a standby."""

ENVIRONMENT = {"FAKE_PROGRAM": "preloaded", "FAKE_OVERRIDE": "default"}

loaded = False


def preload() -> None:
    """Remember that the imports were done before the fork."""
    global loaded
    loaded = True
