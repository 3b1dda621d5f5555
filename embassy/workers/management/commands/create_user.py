"""Create a user in an organization, which is created too if there is none of that name."""

import secrets
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from embassy.projects import services
from embassy.projects.models import Membership, Organization, Role, User


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--organization", default="Default")
        parser.add_argument("--role", default=Role.MEMBER, choices=Role.values)

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.filter(email=options["email"].lower()).exists():
            raise CommandError(f"There is a user {options['email']} already.")
        password = secrets.token_urlsafe(12)
        user = User.objects.create_user(options["email"], password)
        organization = Organization.objects.filter(name=options["organization"]).first()
        if organization is None:
            services.create_organization(name=options["organization"], owner=user)
        else:
            Membership.objects.create(organization=organization, user=user, role=options["role"])
        self.stdout.write(f"{user.public_id} {user.email} {password}")
