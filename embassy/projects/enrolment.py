"""How people get accounts: the first one, by themselves where that is allowed, or by an invitation."""

import hmac

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import signing
from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from embassy.platform.actor import Actor
from embassy.platform.errors import Conflict, Forbidden, InvalidInput, NotFound
from embassy.projects import audit, invitations
from embassy.projects.models import Invitation, Membership, Organization, User
from embassy.projects.services import create_organization

SET_UP_LOCK = 7_306_072
SIGN_UP_SALT = "embassy.sign-up"
MAX_NAME = 120


def is_set_up() -> bool:
    return User.objects.exists()


def set_up_token() -> str:
    """Known to whoever may read the platform's secrets, on each of its hosts; good until there is a user."""
    return salted_hmac("embassy.set-up", "first user", algorithm="sha256").hexdigest()


def is_set_up_token(token: str) -> bool:
    return hmac.compare_digest(token.encode(), set_up_token().encode())


@transaction.atomic
def set_up(*, token: str, email: str, password: str, organization_name: str) -> User:
    """The first user, who runs the platform, and their organization. Raises Forbidden, Conflict."""
    if not is_set_up_token(token):
        raise Forbidden("This link is not the one that the platform printed when it started.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SET_UP_LOCK])
    if is_set_up():
        raise Conflict("This platform has been set up already. Sign in.", code="is_set_up")
    user = User.objects.create_superuser(invitations.checked_email(email), password)
    _found(user, organization_name, is_verified=True)
    return user


@transaction.atomic
def sign_up(*, email: str, password: str, organization_name: str, is_verified: bool) -> User:
    """A new user with an organization of their own. Raises Forbidden, Conflict."""
    if not settings.SIGN_UP or not is_set_up():
        raise Forbidden("Ask an administrator for an invitation: nobody signs up here by themselves.")
    user = _new_user(email, password)
    _found(user, organization_name, is_verified=is_verified)
    return user


@transaction.atomic
def join(*, invitation: Invitation, password: str, is_verified: bool) -> User:
    """A new user who was invited. Raises NotFound, Conflict where the address has an account."""
    user = _new_user(invitation.email, password)
    invitations.accept(invitation=invitation, user=user)
    _own_address(user, is_verified)
    return user


@transaction.atomic
def join_proven(*, email: str) -> User:
    """A new user without a password, whose address a provider vouches for: invited, or of a listed domain.

    Raises Forbidden, Conflict.
    """
    invited = list(invitations.valid_for(email))
    if not invited and email.rpartition("@")[2] not in settings.OIDC_DOMAINS:
        raise Forbidden(f"Nobody has invited {email}. Ask an owner or admin of your organization to do so.")
    user = _new_user(email, None)
    _own_address(user, True)
    for invitation in invited:
        invitations.accept(invitation=invitation, user=user)
    if not invited:
        _join_by_domain(user)
    return user


def mailed_token(email: str) -> str:
    """For the link that is mailed to who wants to sign up: it proves the address."""
    return signing.dumps(email, salt=SIGN_UP_SALT)


def address_in(token: str) -> str:
    """Raises NotFound for a link that is not ours, or older than a day."""
    try:
        return str(signing.loads(token, salt=SIGN_UP_SALT, max_age=settings.PASSWORD_RESET_TIMEOUT))
    except signing.BadSignature:
        raise NotFound("This link is not valid any more. Sign up once more.") from None


def has_account(email: str) -> bool:
    return User.objects.filter(email=email.strip().lower()).exists()


def _join_by_domain(user: User) -> None:
    rows = Organization.objects.order_by("id")
    if settings.OIDC_ORGANIZATION:
        rows = rows.filter(public_id=settings.OIDC_ORGANIZATION)
    organization = rows.first()
    if organization is None:
        raise Forbidden("EMBASSY_OIDC_ORGANIZATION names no organization. Tell whoever runs the platform.")
    Membership.objects.create(organization=organization, user=user, role=settings.OIDC_ROLE)
    joined = Actor(organization_id=organization.pk, user_id=user.pk, user_public_id=user.public_id)
    audit.record("member.joined", user.public_id, actor=joined, email=user.email, role=settings.OIDC_ROLE)


def _new_user(email: str, password: str | None) -> User:
    email = invitations.checked_email(email)
    with connection.cursor() as cursor:
        # Two requests at once must not both find the address free.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SET_UP_LOCK])
    if has_account(email):
        raise Conflict("There is an account with this e-mail address. Sign in.", code="has_account")
    return User.objects.create_user(email, password)


def _found(user: User, name: str, *, is_verified: bool) -> Organization:
    name = name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidInput(f"Name the organization with 1 to {MAX_NAME} printable characters.")
    organization = create_organization(name=name, owner=user)
    _own_address(user, is_verified)
    founder = Actor(organization_id=organization.pk, user_id=user.pk, user_public_id=user.public_id)
    audit.record("organization.created", organization.public_id, actor=founder, name=name, email=user.email)
    return organization


def _own_address(user: User, is_verified: bool) -> None:
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=is_verified)
