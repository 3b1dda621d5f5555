"""Print a link with which a user chooses a new password: for who cannot get one in another way."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError, CommandParser

from embassy.console.views.password_reset import reset_link
from embassy.projects import audit
from embassy.projects.models import User


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument(
            "--second-factor", action="store_true", help="turn it off too, for a lost device and lost codes"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["email"].strip().lower(), is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {options['email']}.")
        if options["second_factor"]:
            Authenticator.objects.filter(user=user).delete()
            audit.record_personal("second_factor.turned_off", user=user)
        audit.record_personal("member.reset_link_made", user=user)
        self.stdout.write(reset_link(user))
