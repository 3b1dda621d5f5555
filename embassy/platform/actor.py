"""Who asks. Made from an API key or a console session; every service and selector takes one."""

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Rights:
    """What a role allows to change: everything or nothing, and in some projects the other way round."""

    writes: bool = True
    otherwise: frozenset[int] = frozenset()

    def writes_in(self, project: int | None) -> bool:
        """`project` None is what belongs to no project."""
        return self.writes != (project in self.otherwise)

    @property
    def writes_somewhere(self) -> bool:
        return self.writes or bool(self.otherwise)


@dataclass(frozen=True)
class Actor:
    """`projects` and `models` are None for "all of the organization's"; a scope is e.g. `training:write`.

    `rights` are those of the user's role: no key is allowed more. The limits are those of the key: None is
    the platform's default, 0 is none at all.
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
    rights: Rights = Rights()

    is_authenticated = True  # what DRF asks of a user

    def has(self, scope: str) -> bool:
        """Whether the key has this scope, whatever the role."""
        return "*" in self.scopes or scope in self.scopes

    def may(self, scope: str) -> bool:
        return self.has(scope) and (self.rights.writes or scope.endswith(":read"))

    def within(self, project: int | None) -> "Actor":
        """The same one inside a project, where the role may be another."""
        if not self.rights.otherwise:
            return self
        return replace(self, rights=Rights(self.rights.writes_in(project)))
