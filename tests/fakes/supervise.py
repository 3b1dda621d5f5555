"""A process to be killed: runs one job as a worker's pool process does. PK."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "embassy.platform.settings")
django.setup()

from embassy.training.supervisor import run_job, trainer  # noqa: E402
from tests.fakes.checkpoint_server import SumServer  # noqa: E402

if __name__ == "__main__":
    trainer.PROGRAM = "tests.fakes.trainer"
    run_job(int(sys.argv[1]), server=SumServer())
