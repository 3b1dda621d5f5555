"""Machines that run engines."""

from typing import Any

from django.conf import settings
from django.utils import timezone

from embassy.engines.models import Engine, Host
from embassy.engines.needs import need_of

GB = 1000**3


def make_host(name: str = "", *, gigabytes: float = 12, **columns: Any) -> Host:
    """Alive; without a name it is this machine."""
    values = {
        "address": "127.0.0.1",
        "memory_bytes": int(gigabytes * GB),
        "slots": 16,
        "seen_at": timezone.now(),
    } | columns
    return Host.objects.create(name=name or settings.HOST_NAME, **values)


def bytes_of(engine: Engine) -> int:
    """What it is reckoned to need on a host without GPUs."""
    return need_of(engine).host
