"""A process that is killed while it counts engine time: what it wrote is not committed yet."""

import os
import signal
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "embassy.platform.settings")
django.setup()

from embassy.inference import engine_time, services  # noqa: E402

real = services.add_usage


def write_and_die(**options: Any) -> None:
    real(**options)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    services.add_usage = write_and_die
    engine_time.share_out()
