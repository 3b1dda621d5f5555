"""GET /v1/models and GET /v1/models/{base_model_name}"""

import pytest
from rest_framework.test import APIClient

from tests.conftest import client_for
from tests.factories.projects import make_key

pytestmark = pytest.mark.django_db


def test_list_shows_what_the_contract_asks(api: APIClient) -> None:
    answer = api.get("/v1/models")

    assert answer.status_code == 200
    tiny = next(model for model in answer.json() if model["name"] == "tiny-llama-instruct")
    assert (tiny["type"], tiny["support_serverless"], tiny["context_length"]) == ("chat", True, 1024)
    assert tiny["parameter_template"]["num_train_epochs"] == 4
    for model in answer.json():
        values = model["parameter_template"].values()
        assert all(isinstance(value, str | int | float) and not isinstance(value, bool) for value in values)


@pytest.mark.parametrize("name", ["Llama-3.2-1B-Instruct", "meta-llama/Llama-3.2-1B-Instruct"])
def test_one_by_name_or_hugging_face_id(api: APIClient, name: str) -> None:
    answer = api.get(f"/v1/models/{name}")

    assert answer.status_code == 200
    assert answer.json()["name"] == "Llama-3.2-1B-Instruct"


def test_one_tells_the_rules_of_each_kind_of_training(api: APIClient) -> None:
    parameters = api.get("/v1/models/tiny-llama-instruct").json()["parameters"]

    assert {"SFT text-generation", "GRPO text-generation", "SFT classification"} <= set(parameters)
    rules = {rule["name"]: rule for rule in parameters["SFT text-generation"]}
    assert rules["learning_rate"]["default"] == 0.003
    assert (rules["learning_rate"]["minimum"], rules["learning_rate"]["maximum"]) == (1e-8, 0.1)
    assert rules["max_length"]["maximum"] == 1024
    assert rules["learning_rate"]["meaning"]


def test_missing(api: APIClient) -> None:
    answer = api.get("/v1/models/Llama-3.2-2B-Instruct")

    assert answer.status_code == 404
    assert answer.json()["code"] == "object_not_found"
    assert "Did you mean Llama-3.2-" in answer.json()["error"]


def test_wrong_method(api: APIClient) -> None:
    assert api.patch("/v1/models").status_code == 405


def test_no_key(anonymous_api: APIClient) -> None:
    assert anonymous_api.get("/v1/models").status_code == 401
    assert anonymous_api.get("/v1/models/tiny-llama-instruct").status_code == 401


def test_key_without_the_scope() -> None:
    api = client_for(make_key(scopes=["training:read"])[1])

    assert api.get("/v1/models").status_code == 403
