"""Mails to people, where a mail server is configured."""

import logging
import smtplib

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse

from embassy.platform.logs import fields

log = logging.getLogger(__name__)


def link_to(name: str, *ids: str) -> str:
    """Absolute, and never from what the request says its host is."""
    return f"{settings.PUBLIC_URL}{reverse(name, args=ids)}"


def send(to: str, subject: str, template: str, **context: object) -> bool:
    """Whether the mail server took it; False where none is configured."""
    if not settings.MAIL_IS_SENT:
        return False
    text = render_to_string(f"console/mail/{template}.txt", context)
    try:
        send_mail(subject, text, None, [to])
    except (smtplib.SMTPException, OSError) as error:
        log.warning("mail.failed", extra=fields(template=template, error=type(error).__name__))
        return False
    return True
