from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from embassy.platform.storage import get_storage
from embassy.training.orphans import purge_orphans
from tests.factories.training import make_job

pytestmark = pytest.mark.django_db


def test_only_old_files_without_a_job_are_removed() -> None:
    job = make_job()
    get_storage().put("training/tr-gone/data/train.jsonl", b"{}\n")

    assert purge_orphans() == 0
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert purge_orphans() == 1

    assert get_storage().exists(job.train_key)
    assert not get_storage().exists("training/tr-gone/data/train.jsonl")
