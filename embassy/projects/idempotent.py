"""`@idempotent` for the POSTs of views that create or spend: they take an Idempotency-Key."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from functools import wraps
from typing import Any

import orjson
from django.db import transaction
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from embassy.projects import idempotency
from embassy.projects.authentication import actor_of

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
LEASE, LONG_LEASE = timedelta(seconds=60), timedelta(seconds=300)
PARAMETER = OpenApiParameter(
    HEADER,
    location=OpenApiParameter.HEADER,
    description="Any text of your own, new for each request. If it is sent again within 24 hours with the "
    "same body, nothing is done again: the first answer comes, with the header `Idempotent-Replayed: true`.",
)

Handler = Callable[..., Response]
Check = Callable[[Request], None]


def idempotent(*, atomic: bool = True, check: Check | None = None) -> Callable[[Handler], Handler]:
    """`atomic`: what is done and that it is done are one transaction, so that it is done once whatever dies.

    Handlers that also write elsewhere, to storage, cannot have that, and take longer: one that is killed
    between the two may be carried out once more when the lease has run out. `check` refuses a request before
    its body is read.
    """

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def handle(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
            name = request.headers.get(HEADER)
            if name is None:
                return handler(view, request, *args, **kwargs)
            if check is not None:
                check(request)
            claimed = idempotency.claim(
                actor=actor_of(request),
                name=name,
                fingerprint=idempotency.fingerprint_of("POST", request.get_full_path(), request.data),
                lease=LEASE if atomic else LONG_LEASE,
            )
            if claimed.status is not None:
                return _again(claimed)
            return _once(claimed, atomic, lambda: handler(view, request, *args, **kwargs))

        return extend_schema(parameters=[PARAMETER])(handle)

    return decorate


def _once(claimed: idempotency.Claim, atomic: bool, work: Callable[[], Response]) -> Response:
    done = False
    together: AbstractContextManager[Any] = transaction.atomic() if atomic else nullcontext()
    try:
        with together:
            response = work()
            if response.status_code < 400:
                answer = JSONRenderer().render(response.data).decode()
                idempotency.complete(claimed=claimed, status=response.status_code, answer=answer)
                done = True
        return response
    except BaseException:
        done = False  # also what was stored is gone with its transaction
        raise
    finally:
        if not done:
            idempotency.release(claimed=claimed)


def _again(claimed: idempotency.Claim) -> Response:
    data = orjson.loads(claimed.answer) if claimed.answer else None
    return Response(data, status=claimed.status, headers={REPLAYED: "true"})
