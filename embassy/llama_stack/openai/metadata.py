"""The pairs of texts that OpenAI lets clients attach to objects."""

from collections.abc import Mapping
from typing import Any

from embassy.platform.errors import InvalidInput

MAX_PAIRS, MAX_KEY, MAX_VALUE = 16, 64, 512


def check_metadata(metadata: Mapping[str, Any]) -> None:
    """OpenAI's bounds: 16 pairs of texts. Raises InvalidInput."""
    fits = len(metadata) <= MAX_PAIRS and all(
        isinstance(value, str) and len(name) <= MAX_KEY and len(value) <= MAX_VALUE
        for name, value in metadata.items()
    )
    if not fits:
        raise InvalidInput(
            f"metadata: at most {MAX_PAIRS} texts of up to {MAX_VALUE} characters, "
            f"with names of up to {MAX_KEY}.",
            details={"field": "metadata"},
        )
