"""A key for one project must not be one for all when that project is gone."""

import pytest

from embassy.platform.actor import Actor
from embassy.projects.models import ApiKey, Project
from embassy.projects.selectors import actor_for_key
from embassy.projects.services import delete_project
from embassy.workers.purge import purge_project
from tests.factories.projects import make_key, make_project

pytestmark = pytest.mark.django_db


def test_keys_of_a_purged_project_are_revoked(actor: Actor, project: Project) -> None:
    other = make_project(actor)
    keys = [
        make_key(project.organization, projects=projects)[1]
        for projects in ([project], [project, other], [other], [])
    ]
    delete_project(project=project, actor=actor)
    purge_project(project_pk=project.pk)

    actors = [actor_for_key(plain) for plain in keys]
    assert actors[0] is None
    assert [found and found.projects for found in actors[1:]] == [{other.pk}, {other.pk}, None]
    assert ApiKey.objects.exclude(revoked_at=None).count() == 1
