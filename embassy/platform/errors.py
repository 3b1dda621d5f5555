"""What can go wrong, told once. An error knows its status and stable code; an API family knows its body.

The message is a sentence for the person who sent the request: what is wrong and what to do.
"""

from typing import Any


class EmbassyError(Exception):
    """Base of every expected error. `details` holds machine-readable particulars, if there are any."""

    status = 500
    code = "internal_error"

    def __init__(self, message: str, *, code: str | None = None, details: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.details = details


class InvalidInput(EmbassyError):
    """The request itself is wrong and would be wrong tomorrow."""

    status = 400
    code = "invalid_input"


class Unauthorized(EmbassyError):
    status = 401
    code = "unauthorized"


class Forbidden(EmbassyError):
    """The key is good, but may not do this."""

    status = 403
    code = "forbidden"


class NotFound(EmbassyError):
    """It does not exist, or it belongs to somebody else: the two are not told apart."""

    status = 404
    code = "object_not_found"


class Conflict(EmbassyError):
    """The request is fine, but not in the state that the object is in now."""

    status = 409
    code = "conflict"


class InProgress(Conflict):
    """The very same is being done already; ask again after `retry_after` seconds."""

    def __init__(self, message: str, *, retry_after: float = 1.0, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class TooLarge(InvalidInput):
    code = "too_large"


class TooManyRequests(EmbassyError):
    status = 429
    code = "rate_limited"

    def __init__(self, message: str, *, retry_after: float = 1.0, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class Unavailable(EmbassyError):
    """Not now; the same request may succeed after `retry_after` seconds."""

    status = 503
    code = "unavailable"

    def __init__(self, message: str, *, retry_after: float = 1.0, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after
