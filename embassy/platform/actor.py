"""Who asks. Made from an API key or a console session; every service and selector takes one."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Actor:
    """`projects` and `models` are None for "all of the organization's"; a scope is e.g. `training:write`.

    The limits are those of the key: None is the platform's default, 0 is none at all.
    """

    organization_id: int
    user_id: int
    user_public_id: str
    key_id: int | None = None
    scopes: frozenset[str] = field(default_factory=frozenset)
    projects: frozenset[int] | None = None
    models: frozenset[str] | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None

    is_authenticated = True  # what DRF asks of a user

    def may(self, scope: str) -> bool:
        return "*" in self.scopes or scope in self.scopes
