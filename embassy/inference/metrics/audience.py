"""Who reads metrics, and so whose they see."""

import hmac
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest

from embassy.inference.series import Label
from embassy.platform.actor import Actor
from embassy.platform.errors import Forbidden, Unauthorized
from embassy.projects import selectors
from embassy.projects.authentication import WRONG, key_from_headers

SCOPE = "metrics:read"
MISSING = f"Send EMBASSY_METRICS_TOKEN, or an API key with the scope {SCOPE}, as `Authorization: Bearer …`."


@dataclass(frozen=True)
class Audience:
    """`actor` None is the platform's operator, who sees everything; a key sees its organization."""

    actor: Actor | None

    @property
    def is_operator(self) -> bool:
        return self.actor is None

    def may_see(self, label: Label) -> bool:
        if self.actor is None:
            return True
        if label.organization_pk != self.actor.organization_id:
            return False
        return self.actor.projects is None or label.project_pk in self.actor.projects


def audience_of(request: HttpRequest) -> Audience:
    """Raises Unauthorized, Forbidden."""
    given = key_from_headers(request.headers.get("X-API-Key"), request.headers.get("Authorization"))
    if given is None:
        raise Unauthorized(MISSING)
    token = settings.METRICS_TOKEN
    if token and hmac.compare_digest(given.encode(), token.encode()):
        return Audience(None)
    actor = selectors.actor_for_key(given)
    if actor is None:
        raise Unauthorized(WRONG)
    if not actor.may(SCOPE):
        raise Forbidden(f"This API key lacks the scope {SCOPE}.", code="missing_scope")
    return Audience(actor)
