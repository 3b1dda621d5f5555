"""What a key may do: what its scopes say, and never more than the role of its user.

A view names its area (`scope = "training"`); the method decides read or write. The role is the one in the
project that the address names. Where a body names it instead, the view says `names_project = True` and calls
`roles.check_role` itself.
"""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from embassy.platform.actor import Actor
from embassy.platform.errors import Forbidden
from embassy.projects.models import Project
from embassy.projects.roles import may_only_look


class HasScope(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        actor: object = request.user
        area = getattr(view, "scope", None)
        if not isinstance(actor, Actor):
            return False
        if area is None:
            return True
        needed = f"{area}:{'read' if request.method in SAFE_METHODS else 'write'}"
        if not actor.has(needed):
            raise Forbidden(f"This API key lacks the scope {needed}.", code="missing_scope")
        if getattr(view, "names_project", False):
            return _may_write_somewhere(actor)
        # From here on the actor is the one that it is inside the project.
        request.user = actor = actor.within(_project_of(actor, view))  # type: ignore[assignment]
        if not actor.may(needed):
            raise may_only_look()
        return True


def _may_write_somewhere(actor: Actor) -> bool:
    if not actor.rights.writes_somewhere:
        raise may_only_look()
    return True


def _project_of(actor: Actor, view: Any) -> int | None:
    """The row of the project in the address, if which one it is matters to the actor's rights."""
    public_id = view.kwargs.get("project_id")
    if public_id is None or not actor.rights.otherwise:
        return None
    ours = Project.objects.filter(organization_id=actor.organization_id, public_id=public_id)
    return ours.values_list("pk", flat=True).first()
