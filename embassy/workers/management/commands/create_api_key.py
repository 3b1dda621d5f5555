"""Create an API key and print it. It is shown this once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from embassy.platform.errors import EmbassyError
from embassy.projects import services
from embassy.projects.models import Membership


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="whose key it is")
        parser.add_argument("--organization", help="public id or name; needed if the user is in several")
        parser.add_argument("--name", default="created by command")
        parser.add_argument("--scope", action="append", dest="scopes", help="may be repeated; default: all")
        for what in ("requests", "tokens"):
            parser.add_argument(f"--{what}-per-minute", type=int, help="0: no limit; default: the platform's")

    def handle(self, *args: Any, **options: Any) -> None:
        membership = self.membership(options["email"], options["organization"])
        try:
            _, plain = services.create_api_key(
                organization=membership.organization,
                user=membership.user,
                name=options["name"],
                scopes=options["scopes"] or ["*"],
                requests_per_minute=options["requests_per_minute"],
                tokens_per_minute=options["tokens_per_minute"],
            )
        except EmbassyError as error:
            raise CommandError(error.message) from None
        self.stdout.write(plain)

    def membership(self, email: str, organization: str | None) -> Membership:
        memberships = Membership.objects.select_related("organization", "user").filter(user__email=email)
        found = [
            membership
            for membership in memberships
            if organization in (None, membership.organization.public_id, membership.organization.name)
        ]
        if len(found) != 1:
            known = ", ".join(m.organization.public_id for m in found) or "none"
            raise CommandError(f"{email} is in these organizations: {known}. Name one with --organization.")
        return found[0]
