"""API key → actor, for DRF. The gateway has its own cached door over the same `keys` and selectors."""

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from embassy.platform.actor import Actor
from embassy.projects import selectors

MISSING = "Send your API key as `X-API-Key: KEY` or `Authorization: Bearer KEY`."
WRONG = "This API key is not valid: it is unknown, expired or revoked."


def key_from_headers(api_key: str | None, authorization: str | None) -> str | None:
    """The key in either of the two header forms; None if neither is there."""
    if api_key:
        return api_key.strip()
    scheme, _, value = (authorization or "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" and value.strip() else None


class ApiKeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        plain = key_from_headers(request.headers.get("X-API-Key"), request.headers.get("Authorization"))
        if plain is None:
            raise AuthenticationFailed(MISSING)
        actor = selectors.actor_for_key(plain)
        if actor is None:
            raise AuthenticationFailed(WRONG)
        return actor, None

    def authenticate_header(self, request: Request) -> str:
        return "ApiKey"


def actor_of(request: Request) -> Actor:
    """The actor that authentication put on the request."""
    actor: object = request.user
    assert isinstance(actor, Actor)
    return actor
