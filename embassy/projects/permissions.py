"""What a key may do. A view names its area (`scope = "training"`); the method decides read or write."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from embassy.platform.actor import Actor
from embassy.platform.errors import Forbidden


class HasScope(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        actor: object = request.user
        area = getattr(view, "scope", None)
        if not isinstance(actor, Actor):
            return False
        if area is None:
            return True
        needed = f"{area}:{'read' if request.method in SAFE_METHODS else 'write'}"
        if not actor.may(needed):
            raise Forbidden(f"This API key lacks the scope {needed}.", code="missing_scope")
        return True
