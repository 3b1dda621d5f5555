"""A process to be killed: does one merge as a worker's pool process does. PK."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "embassy.platform.settings")
django.setup()

from embassy.training.supervisor import merger, run_merge  # noqa: E402

if __name__ == "__main__":
    merger.PROGRAM = "tests.fakes.merger"
    run_merge(int(sys.argv[1]))
