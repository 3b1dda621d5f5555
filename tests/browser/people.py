"""Browsers of people with a role, signed in by the cookie that a sign-in would have given them."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.test import Client

from embassy.projects.models import User

if TYPE_CHECKING:
    from playwright.sync_api import SetCookieParam


def session_cookie(user: User, url: str) -> "SetCookieParam":
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value, "url": url}
