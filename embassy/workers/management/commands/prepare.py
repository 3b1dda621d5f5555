"""Bring the database up to date.

The first time, write a link with which the first account is made in the browser; or, where
EMBASSY_ADMIN_EMAIL names it, make it at once, with an organization and a key.
"""

import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from embassy.projects import enrolment, services
from embassy.projects.models import User

# Two hosts may start at the same time against one database.
PREPARE_LOCK = 7_306_071


class Command(BaseCommand):
    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.SECRET_KEY_IS_EPHEMERAL:
            raise CommandError("SECRET_KEY is not set. Keys are hashed with it: set it once and keep it.")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [PREPARE_LOCK])
        try:
            call_command("migrate", interactive=False, verbosity=options["verbosity"] - 1)
            call_command("collectstatic", interactive=False, verbosity=0)
            self.first_run()
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [PREPARE_LOCK])

    def first_run(self) -> None:
        link = settings.HOME / "set-up-link"
        link.unlink(missing_ok=True)
        if enrolment.is_set_up():
            return
        if email := os.environ.get("EMBASSY_ADMIN_EMAIL"):
            self.first_account(email)
            return
        write_private(link, f"{settings.PUBLIC_URL}/console/set-up?token={enrolment.set_up_token()}")
        self.stdout.write(f"The link to make the first account is in {link}.")

    def first_account(self, email: str) -> None:
        password = os.environ.get("EMBASSY_ADMIN_PASSWORD") or secrets.token_urlsafe(12)
        with transaction.atomic():
            owner = User.objects.create_superuser(email, password)
            organization = services.create_organization(name="Default", owner=owner)
            _, plain = services.create_api_key(organization=organization, user=owner, name="first key")
            write_private(settings.HOME / "first-api-key", plain)
            write_private(settings.HOME / "first-sign-in", f"{email} {password}")
        self.stdout.write(f"Created the organization Default with owner {email}.")
        self.stdout.write(f"First API key and sign-in are in {settings.HOME}.")


def write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
