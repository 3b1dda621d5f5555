"""A model that is asked at the address of another kind: the answer names the right one."""

from typing import Any

import httpx
import pytest

from embassy.inference.endpoints import ADDRESSES
from tests.factories.routes import make_route
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.served_gateway import Offer

BODIES: dict[str, dict[str, Any]] = {
    "/v1/completions": {"prompt": "x"},
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "x"}]},
    "/v1/classification": {"input": "x"},
    "/v1/embeddings": {"input": "x", "target": "y"},
    "/v1/regression": {"input": "x"},
}
WRONG = [(task, path) for task, right in ADDRESSES.items() for path in BODIES if path not in right]


@pytest.mark.parametrize(("task", "path"), WRONG)
def test_names_the_right_address(
    client: httpx.Client, engine: FakeEngine, offer: Offer, organization_id: int, task: str, path: str
) -> None:
    # Asleep: a request that cannot succeed wakes nobody.
    offer.change(make_route(engine.port, organization_id=organization_id, task_type=task, state="asleep"))

    response = client.post(path, json={"model": "support"} | BODIES[path])

    assert response.status_code == 400
    assert response.json()["code"] == "wrong_endpoint"
    for address in ADDRESSES[task]:
        assert f"POST {address}" in response.json()["error"]
    assert not offer.wakes
    assert not engine.requests
