"""Two requests at the same moment do not get the same place on an engine."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from embassy.deployments.models import Deployment
from embassy.engines.command import MAX_ADAPTERS
from embassy.engines.models import Adapter
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from tests.factories.deployments import make_checkpoint, make_deployment, make_job

pytestmark = pytest.mark.django_db(transaction=True)


def test_nobody_gets_a_place_twice(actor: Actor, project: Project) -> None:
    job = make_job(project)
    make_checkpoint(job)

    def create() -> Deployment:
        try:
            return make_deployment(project, actor=actor, reference=job.public_id, checkpoint=1)
        finally:
            connection.close()

    for _ in range(MAX_ADAPTERS - 2):
        make_deployment(project, actor=actor, reference=job.public_id, checkpoint=1)
    with ThreadPoolExecutor(6) as pool:
        for created in [pool.submit(create) for _ in range(6)]:
            created.result()
    assert Counter(Adapter.objects.values_list("engine__shard", flat=True)) == {0: MAX_ADAPTERS, 1: 4}
