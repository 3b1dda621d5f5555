"""GET, PATCH and DELETE /v1/testing-functions/{name}"""

import pytest
from rest_framework.test import APIClient

from embassy.evaluation import models
from embassy.platform.actor import Actor
from embassy.projects.models import AuditEvent
from tests.factories.evaluation import make_test_function, source

pytestmark = pytest.mark.django_db
URL = "/v1/testing-functions/vowels"
BUILT_IN = "/v1/testing-functions/exact_match_shared"


def test_own_function_is_shown(api: APIClient, actor: Actor) -> None:
    make_test_function(actor)

    assert api.get(URL).json()["content"] == source("vowels")


def test_built_in_function_is_shown_without_an_author(api: APIClient) -> None:
    shown = api.get(BUILT_IN).json()

    assert shown.keys() == {"name", "content", "dependencies", "task_types", "is_built_in"}
    assert shown["is_built_in"] is True


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_missing_and_somebody_elses_are_the_same(
    api: APIClient, other_api: APIClient, actor: Actor, method: str
) -> None:
    make_test_function(actor)

    assert getattr(other_api, method)(URL).status_code == 404
    assert getattr(api, method)("/v1/testing-functions/nothing").json()["code"] == "object_not_found"
    assert models.TestFunction.objects.count() == 1


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_built_in_functions_stay_as_they_are(api: APIClient, method: str) -> None:
    answer = getattr(api, method)(BUILT_IN)

    assert (answer.status_code, answer.json()["code"]) == (403, "built_in")


def test_changing_the_source(api: APIClient, actor: Actor) -> None:
    make_test_function(actor, dependencies=["numpy"])
    changed = "import numpy\n" + source("vowels")
    answer = api.patch(URL, {"content": changed}, format="json")

    assert answer.status_code == 200
    assert (answer.json()["content"], answer.json()["dependencies"]) == (changed, ["numpy"])
    assert AuditEvent.objects.filter(verb="test_function.updated").exists()


def test_renaming_takes_the_name_and_the_source(api: APIClient, actor: Actor) -> None:
    make_test_function(actor)

    assert "not letters" in api.patch(URL, {"name": "letters"}, format="json").json()["error"]
    renamed = api.patch(URL, {"name": "letters", "content": source("letters")}, format="json")
    assert renamed.json()["name"] == "letters"
    assert api.get(URL).status_code == 404


def test_renaming_to_a_name_that_is_taken(api: APIClient, actor: Actor) -> None:
    make_test_function(actor)
    make_test_function(actor, name="letters")
    answer = api.patch(URL, {"name": "letters", "content": source("letters")}, format="json")

    assert (answer.status_code, answer.json()["code"]) == (400, "name_taken")


@pytest.mark.parametrize(
    "body",
    [{"content": "def"}, {"dependencies": ["requests"]}, {"task_types": ["cooking"]}, {"content": None}],
)
def test_bad_change_changes_nothing(api: APIClient, actor: Actor, body: dict[str, object]) -> None:
    make_test_function(actor)

    assert api.patch(URL, body, format="json").status_code == 400
    assert api.get(URL).json()["content"] == source("vowels")


def test_dropping_a_dependency_that_is_used(api: APIClient, actor: Actor) -> None:
    make_test_function(actor, content="import numpy\n" + source("vowels"), dependencies=["numpy"])

    assert "numpy" in api.patch(URL, {"dependencies": []}, format="json").json()["error"]


def test_deleting(api: APIClient, actor: Actor) -> None:
    make_test_function(actor)

    assert api.delete(URL).status_code == 204
    assert api.delete(URL).status_code == 404
    assert AuditEvent.objects.filter(verb="test_function.deleted", subject="vowels").count() == 1


def test_wrong_method_and_no_key(api: APIClient, anonymous_api: APIClient) -> None:
    assert api.put(URL).status_code == 405
    assert anonymous_api.get(URL).status_code == 401
