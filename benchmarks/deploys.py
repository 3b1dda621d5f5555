"""From POST to the first token: an adapter deployed on an engine that runs.

`python -m benchmarks.deploys [--rounds N]` starts a platform of its own, trains an adapter, and deploys it
under one name after another. The request is sent as soon as the POST has answered, and held. Prints JSON:

    created        POST sent → answered
    adapter        … → the engine has loaded the adapter
    first_token    … → the gateway knows of it, and the request's first token is here
    total          their sum

and, because nobody waits for that:

    row            POST sent → the deployment's row says Deployed
"""

import time
from typing import Any

from benchmarks import live

PROMISED_S = 0.5


def measure(platform: live.Platform, name: str, *, stream: bool) -> dict[str, float]:
    began = time.time()
    deployment = platform.deploy(name)
    created = time.time()
    answered = live.first_token(platform.question(name, stream=stream))
    loaded, deployed = seen(deployment)
    platform.call("DELETE", f"{platform.deployments}/{deployment}")
    return {
        "created": created - began,
        "adapter": loaded - created,
        "first_token": answered - loaded,
        "total": answered - began,
        "row": deployed - began,
    }


def seen(deployment: str) -> tuple[float, float]:
    """When its adapter was loaded, and when its row said so: UNIX seconds."""
    from embassy.deployments.models import Deployment
    from embassy.platform.models import Event

    deployed = Event.objects.filter(subject=deployment, target="Deployed")
    live.wait_until(deployed.exists, "the deployment is Deployed", live.REQUEST_S)
    row = Deployment.objects.select_related("adapter").get(public_id=deployment)
    assert row.adapter is not None
    assert row.adapter.loaded_at is not None
    return row.adapter.loaded_at.timestamp(), deployed.earliest("id").created_at.timestamp()


def measured(platform: live.Platform, rounds: int) -> dict[str, Any]:
    kept = platform.deploy("kept")  # as long as it is there the engine runs
    live.first_token(platform.question("kept", stream=False))
    results = live.both_ways(
        lambda kind, number: measure(platform, f"{kind}-{number}", stream=kind == "streamed"),
        rounds,
        PROMISED_S,
    )
    platform.call("DELETE", f"{platform.deployments}/{kept}")
    return results


if __name__ == "__main__":
    live.main(__doc__, measured, rounds=20)
