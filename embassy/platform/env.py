"""Typed readers for the environment. A value that cannot be read refuses to start.

Beside a running platform the launcher's `run/services.json` fills in what the environment does not
say, so that `manage.py` works in another terminal. Any variable may also come from a file named by
`<NAME>_FILE`, as container secrets do.
"""

import json
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

ROOT = Path(__file__).resolve().parents[2]


_SIZE = re.compile(r"(?P<number>\d+(\.\d+)?)\s*(?P<unit>[KMGT]?)(?P<binary>i?)B?", re.IGNORECASE)
_HOST = re.compile(r"[\w.-]{1,100}", re.ASCII)


class BadEnvironment(Exception):
    """A variable has a value that cannot be used."""


def home() -> Path:
    return Path(os.environ.get("EMBASSY_HOME") or ROOT / ".embassy").resolve()


def load_running_services() -> None:
    """Take over the addresses of the platform that runs in this home, where the environment has none."""
    path = home() / "run" / "services.json"
    try:
        running = json.loads(path.read_text())["env"]
    except (FileNotFoundError, PermissionError):
        return
    for name, value in running.items():
        os.environ.setdefault(name, value)


def text(name: str, default: str = "") -> str:
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text().strip()
    return os.environ.get(name, default)


def integer(name: str, default: int) -> int:
    value = text(name, str(default))
    try:
        return int(value)
    except ValueError:
        raise BadEnvironment(f"{name} must be a whole number, not {value!r}") from None


def number(name: str, default: float) -> float:
    value = text(name, str(default))
    try:
        return float(value)
    except ValueError:
        raise BadEnvironment(f"{name} must be a number, not {value!r}") from None


def size(name: str, default: int = 0) -> int:
    """Bytes, from a number alone or with a unit as in `12GB`, `512M` (of 1000) or `1.5GiB` (of 1024)."""
    value = text(name).strip()
    if not value:
        return default
    match = _SIZE.fullmatch(value)
    if match is None:
        raise BadEnvironment(f"{name} must be a size such as 12GB or 512MiB, not {value!r}")
    base = 1024 if match["binary"] else 1000
    return int(float(match["number"]) * base ** " KMGT".index(match["unit"].upper() or " "))


def host_name(name: str) -> str:
    """What this machine is called among those that share the work; by default what it calls itself."""
    value = text(name) or socket.gethostname()
    if not _HOST.fullmatch(value):
        raise BadEnvironment(f"{name} takes up to 100 letters, digits, dots, dashes and underscores")
    return value


def boolean(name: str, default: bool) -> bool:
    value = text(name, str(default)).lower()
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off", ""):
        return False
    raise BadEnvironment(f"{name} must be true or false, not {value!r}")


def choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    value = text(name, default)
    if value not in choices:
        raise BadEnvironment(f"{name} must be one of {', '.join(choices)}, not {value!r}")
    return value


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def smtp(name: str) -> dict[str, Any]:
    """Django's mail settings from `smtp://user:password@host:587` (STARTTLS where there is a user) or
    `smtps://…:465`; none are mails that go nowhere."""
    parts = urlsplit(text(name))
    if not parts.scheme:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise BadEnvironment(f"{name} must look like smtp://user:password@host:587 or smtps://…")
    tls = parts.scheme == "smtps"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if tls else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": tls,
        # A password never goes over the wire in the clear.
        "EMAIL_USE_TLS": not tls and bool(parts.username),
        "EMAIL_TIMEOUT": 10,
    }


def issuer(name: str) -> str:
    """Address of an OpenID Connect provider, by TLS unless it is on this machine; empty for none."""
    value = text(name).rstrip("/")
    parts = urlsplit(value)
    local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
    if value and not (parts.scheme == "https" and parts.hostname) and not local:
        raise BadEnvironment(f"{name} must be an https:// address, not {value!r}")
    return value


@dataclass(frozen=True)
class DatabaseUrl:
    """`postgresql://user:password@host:port/name?option=…`; `host` in the query names a socket's folder."""

    url: str

    def django(self) -> dict[str, Any]:
        parts = urlsplit(self.url)
        if parts.scheme not in ("postgres", "postgresql"):
            raise BadEnvironment("DATABASE_URL must start with postgresql://")
        options = dict(parse_qsl(parts.query))
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": options.pop("host", parts.hostname or ""),
            "PORT": options.pop("port", str(parts.port or "")),
            "OPTIONS": dict(options),
        }
