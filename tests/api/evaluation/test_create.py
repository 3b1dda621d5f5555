"""POST /v1/testing-functions"""

import pytest
from rest_framework.test import APIClient

from embassy.evaluation import models
from embassy.platform.actor import Actor
from embassy.projects.models import AuditEvent
from tests.conftest import client_for
from tests.factories.evaluation import source
from tests.factories.projects import make_key

pytestmark = pytest.mark.django_db
URL = "/v1/testing-functions"


def test_it_works(api: APIClient, actor: Actor) -> None:
    content = "import numpy\n" + source("vowels")
    body = {"content": content, "dependencies": ["NumPy"], "task_types": ["text-generation"]}
    answer = api.post(URL, body, format="json")

    assert answer.status_code == 201
    shown = answer.json()
    assert shown.pop("created_at") == shown.pop("updated_at") > 0
    assert shown == {
        "name": "vowels",
        "content": content,
        "dependencies": ["numpy"],
        "task_types": ["text-generation"],
        "is_built_in": False,
        "created_by": actor.user_public_id,
    }
    assert AuditEvent.objects.get(verb="test_function.created").subject == "vowels"


def test_it_is_listed_after_the_built_in_ones_for_its_organization_only(
    api: APIClient, other_api: APIClient
) -> None:
    api.post(URL, {"name": "vowels", "content": source("vowels")}, format="json")

    assert api.get(URL).json()[-1] == {"name": "vowels", "content": source("vowels"), "dependencies": []}
    assert "vowels" not in {function["name"] for function in other_api.get(URL).json()}


def test_two_organizations_may_use_the_same_name(api: APIClient, other_api: APIClient) -> None:
    answers = [client.post(URL, {"content": source()}, format="json") for client in (api, other_api)]

    assert [answer.status_code for answer in answers] == [201, 201]


@pytest.mark.parametrize(
    ("body", "code", "part"),
    [
        ({}, "invalid_input", "content"),
        ({"content": ""}, "invalid_input", "content"),
        ({"content": "def f(:\n"}, "invalid_test_function", "line 1: invalid syntax"),
        ({"content": source("f"), "name": "g"}, "invalid_test_function", "is called f, not g"),
        ({"content": "import numpy\n" + source("f")}, "invalid_test_function", "line 1: the module numpy"),
        ({"content": source("f"), "dependencies": ["requests"]}, "unknown_dependency", "numpy"),
        ({"content": source("f"), "dependencies": "numpy"}, "invalid_input", "dependencies"),
        ({"content": source("f"), "task_types": ["cooking"]}, "invalid_input", "cooking"),
        ({"content": source("exact_match_shared")}, "name_taken", "built-in"),
    ],
)
def test_bad_body(api: APIClient, body: dict[str, object], code: str, part: str) -> None:
    answer = api.post(URL, body, format="json")

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert part in answer.json()["error"]
    assert not models.TestFunction.objects.exists()


def test_problems_have_their_places(api: APIClient) -> None:
    answer = api.post(URL, {"content": "import one\nimport two\nx = 1"}, format="json")

    assert [(item["line"], item["column"]) for item in answer.json()["details"]] == [
        *((None, None), (1, 1), (2, 1))
    ]


def test_name_that_is_taken(api: APIClient) -> None:
    first, second = (api.post(URL, {"content": source()}, format="json") for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 400)
    assert second.json()["code"] == "name_taken"
    assert models.TestFunction.objects.count() == 1


def test_no_key(anonymous_api: APIClient) -> None:
    assert anonymous_api.post(URL, {"content": source()}, format="json").status_code == 401


def test_key_that_may_only_read() -> None:
    reader = client_for(make_key(scopes=["evaluation:read"])[1])

    assert reader.get(URL).status_code == 200
    assert reader.post(URL, {"content": source()}, format="json").json()["code"] == "missing_scope"
