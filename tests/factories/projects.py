"""Rows of the projects app, each with sensible defaults."""

from itertools import count

from embassy.platform.actor import Actor
from embassy.projects import selectors, services
from embassy.projects.models import ApiKey, Membership, Organization, Project, Role, User

_numbers = count(1)


def make_user(*, email: str | None = None) -> User:
    return User.objects.create_user(email or f"user{next(_numbers)}@example.com", "a long password")


def make_organization(*, name: str | None = None, owner: User | None = None) -> Organization:
    return services.create_organization(
        name=name or f"Organization {next(_numbers)}", owner=owner or make_user()
    )


def make_member(organization: Organization, *, role: str = Role.MEMBER) -> User:
    user = make_user()
    Membership.objects.create(organization=organization, user=user, role=role)
    return user


def make_key(organization: Organization | None = None, **options: object) -> tuple[ApiKey, str]:
    organization = organization or make_organization()
    owner = organization.memberships.order_by("id")[0].user
    return services.create_api_key(organization=organization, user=owner, name="test", **options)  # type: ignore[arg-type]


def make_actor(organization: Organization | None = None) -> Actor:
    key, _ = make_key(organization)
    return selectors.actor_of_key(key)


def make_project(actor: Actor | None = None, *, name: str = "support") -> Project:
    return services.create_project(name=name, actor=actor or make_actor())
