"""GET /v1/testing-functions"""

import pytest
from rest_framework.test import APIClient

from tests.conftest import client_for
from tests.factories.projects import make_key

pytestmark = pytest.mark.django_db


def test_it_works(api: APIClient) -> None:
    answer = api.get("/v1/testing-functions")

    assert answer.status_code == 200
    functions = {function["name"]: function for function in answer.json()}
    assert {"exact_match_shared", "test_similarity_shared", "json_structure_shared"} <= set(functions)
    similarity = functions["test_similarity_shared"]
    assert similarity.keys() == {"name", "content", "dependencies"}
    assert similarity["content"].startswith(
        "def test_similarity_shared(input_text: str, expected_output: str,"
    )
    assert similarity["dependencies"] == ["rapidfuzz"]


def test_wrong_method(api: APIClient) -> None:
    assert api.delete("/v1/testing-functions").status_code == 405


def test_no_key(anonymous_api: APIClient) -> None:
    assert anonymous_api.get("/v1/testing-functions").status_code == 401


def test_key_without_the_scope() -> None:
    assert client_for(make_key(scopes=["models:read"])[1]).get("/v1/testing-functions").status_code == 403
