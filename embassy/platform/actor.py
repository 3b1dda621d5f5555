"""Who asks. Made from an API key or a console session; every service and selector takes one."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Actor:
    """`projects` and `models` are None for "all of the organization's"; a scope is e.g. `training:write`."""

    organization_id: int
    user_id: int
    user_public_id: str
    key_id: int | None = None
    scopes: frozenset[str] = field(default_factory=frozenset)
    projects: frozenset[int] | None = None
    models: frozenset[str] | None = None

    is_authenticated = True  # what DRF asks of a user

    def may(self, scope: str) -> bool:
        return "*" in self.scopes or scope in self.scopes
