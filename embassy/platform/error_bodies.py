"""Each API family's error body. The family of a request is decided by its path."""

from collections.abc import Callable
from typing import Any

from embassy.platform.errors import EmbassyError


def emissary(error: EmbassyError) -> tuple[int, dict[str, Any]]:
    """`{status, error, code}`. The contract knows no 409: a wrong state is a bad request there."""
    status = 400 if error.status == 409 else error.status
    body: dict[str, Any] = {"status": status, "error": error.message, "code": error.code}
    if error.details is not None:
        body["details"] = error.details
    return status, body


def llama_stack(error: EmbassyError) -> tuple[int, dict[str, Any]]:
    """`{status, title, detail}`, and no more: the title is the stable code in words."""
    title = error.code.replace("_", " ").capitalize()
    return error.status, {"status": error.status, "title": title, "detail": error.message}


def openai(error: EmbassyError) -> tuple[int, dict[str, Any]]:
    """`{error: {message, type, param, code}}`, as OpenAI's own clients read it."""
    details = error.details if isinstance(error.details, dict) else {}
    known = OPENAI_TYPES.get(error.status)
    kind = known or ("server_error" if error.status >= 500 else "invalid_request_error")
    body = {"message": error.message, "type": kind, "param": details.get("field"), "code": error.code}
    return error.status, {"error": body}


OPENAI_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}
# By the beginning of the address; none begins another. All others are Emissary's.
FAMILIES: dict[str, Callable[[EmbassyError], tuple[int, dict[str, Any]]]] = {
    "/openai/v1/": openai,
    "/v1/openai/v1/": llama_stack,
}


def render(path: str, error: EmbassyError) -> tuple[int, dict[str, Any]]:
    for prefix, family in FAMILIES.items():
        if path.startswith(prefix):
            return family(error)
    return emissary(error)
