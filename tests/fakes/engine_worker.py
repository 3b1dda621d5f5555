"""A worker's pool process with one task: run an engine. To be killed. DATABASE HOME ENGINE_PK."""

import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import django
from django.conf import settings


def main(database: str, home: str, engine_pk: int) -> None:
    """Run the supervisor on the test's database, with the stand-in for the engine program."""
    os.environ["EMBASSY_HOME"] = home
    django.setup()
    settings.DATABASES["default"]["NAME"] = database
    settings.STORAGE_DIR = Path(home) / "files"

    from embassy.engines import napping, pulse, supervisor

    supervisor.PROGRAM = "tests.fakes.engine"
    supervisor.ROUTES_S = 0.1
    pulse.EVERY_S = 0.2
    if (Path(home) / "naps").exists():  # as if this were a host with GPUs
        settings.ENGINE_SLEEP_SECONDS = 1
        supervisor.Nap = partial(_always_offered, napping.Nap)  # type: ignore[misc,assignment]
    supervisor.run_engine(engine_pk)


def _always_offered(nap: Any, *arguments: Any, **options: Any) -> Any:
    return nap(*arguments, **options | {"offered": True})


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
