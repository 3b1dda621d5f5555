"""What projects may be called."""

from embassy.platform.errors import InvalidInput

MAX_NAME = 120


def checked_project_name(name: str) -> str:
    """Without spaces around it. Raises InvalidInput."""
    name = name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidInput(
            f"Name the project with up to {MAX_NAME} printable characters.", details={"field": "name"}
        )
    return name
