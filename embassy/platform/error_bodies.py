"""Each API family's error body. The family of a request is decided by its path."""

from typing import Any

from embassy.platform.errors import EmbassyError


def emissary(error: EmbassyError) -> tuple[int, dict[str, Any]]:
    """`{status, error, code}`. The contract knows no 409: a wrong state is a bad request there."""
    status = 400 if error.status == 409 else error.status
    body: dict[str, Any] = {"status": status, "error": error.message, "code": error.code}
    if error.details is not None:
        body["details"] = error.details
    return status, body


def render(path: str, error: EmbassyError) -> tuple[int, dict[str, Any]]:
    return emissary(error)
