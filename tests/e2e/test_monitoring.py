"""What the running platform tells of itself: usage, engine time, metrics."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.live import LivePlatform
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CHAT = {"messages": [{"role": "user", "content": "Hello"}], "temperature": 0, "max_tokens": 8}


def test_usage_engine_time_and_metrics(platform: LivePlatform) -> None:
    project = platform.create_project("monitored")
    body = {"training_job_id": "tiny-llama-instruct", "checkpoint": 0, "name": "monitored"}
    deployment = platform.call("POST", f"/v1/projects/{project}/deployments", expect=201, json=body)["id"]
    platform.wait_for_deployment(project, deployment)
    written = 0
    for _ in range(3):
        answer = platform.call("POST", "/v1/chat/completions", json=CHAT | {"model": "monitored"})
        written += answer["usage"]["completion_tokens"]
    stream = platform.http.post("/v1/chat/completions", json=CHAT | {"model": deployment, "stream": True})
    assert stream.text.endswith("data: [DONE]\n\n")
    refused = platform.http.post(
        "/v1/chat/completions", json=CHAT | {"model": deployment, "max_tokens": 10**6}
    )
    assert refused.status_code == 400

    path = f"/v1/projects/{project}/deployments/{deployment}/usage"
    wait_for(
        lambda: platform.call("GET", path)["total"]["requests"] == 5, "all requests in the usage", seconds=30
    )
    wait_for(lambda: platform.call("GET", path)["total"]["engine_seconds"] > 0, "engine time", seconds=60)
    (group,) = platform.call("GET", "/v1/usage", params={"project_id": project, "group_by": "deployment"})[
        "groups"
    ]
    assert (group["deployment_id"], group["errors"], group["latency_ms"]["count"]) == (deployment, 1, 4)
    assert group["completion_tokens"] >= written
    assert 0 < group["first_token_ms"]["p50"] <= group["latency_ms"]["p99"]

    counted = requests_by_status(platform, deployment)
    assert counted == {"200": 4, "400": 1}
    platform.call("DELETE", f"/v1/projects/{project}/deployments/{deployment}", expect=204)
    assert platform.call("GET", path)["total"]["requests"] == 5


def requests_by_status(platform: LivePlatform, deployment: str) -> dict[str, float]:
    """As the key's organization sees them."""
    text = platform.http.get("/metrics").raise_for_status().text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["embassy_deployments"].samples
    return {
        sample.labels["status"]: sample.value
        for sample in families["embassy_gateway_requests"].samples
        if sample.labels["deployment"] == deployment
    }
