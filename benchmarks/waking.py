"""From a request to its first token, when the engine is stopped; and two hundred requests during one wake.

`python -m benchmarks.waking [--rounds N]` starts a platform of its own, trains and deploys an adapter, and
puts it to sleep before each request until nothing of the engine is left. Prints JSON; a phase begins where
the one before it ended:

    asked          request sent → the wake is in its row
    claimed        … → an engine worker has taken the engine
    adapter        … → the server is up and has loaded the adapter
    announced      … → the engine's row tells its address
    first_token    … → the request's first token is here
    total          their sum
"""

import asyncio
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from benchmarks import live
from benchmarks.http_load import Client

PROMISED_S = 1.5
NAME = "sleeper"
CROWD = 200


@dataclass(frozen=True)
class Sleeper:
    """A deployment on an engine of its own: public ids."""

    engine: str
    deployment: str


def make_sleeper(platform: live.Platform) -> Sleeper:
    engine = platform.call("POST", "/v1/engines", json={"name": NAME, "base_model": live.BASE})["id"]
    body = {"project_id": platform.project, "training_id": platform.job, "checkpoint": 1, "name": NAME}
    deployment = platform.call("POST", f"/v1/engines/{engine}/deploy", json=body)["id"]
    live.first_token(platform.question(NAME, stream=False))
    return Sleeper(engine, deployment)


def measure(platform: live.Platform, sleeper: Sleeper, *, stream: bool) -> dict[str, float]:
    put_to_sleep(platform, sleeper)
    began = time.time()
    answered = live.first_token(platform.question(NAME, stream=stream))
    times = [began, *seen(sleeper), answered]
    names = ("asked", "claimed", "adapter", "announced", "first_token")
    phases = dict(zip(names, (later - sooner for sooner, later in pairwise(times)), strict=True))
    return phases | {"total": answered - began}


def put_to_sleep(platform: live.Platform, sleeper: Sleeper) -> None:
    """Until nothing of the engine is left."""
    from embassy.engines.models import EngineRun

    platform.call("POST", f"/v1/engines/{sleeper.engine}/deactivate")
    running = EngineRun.objects.filter(engine__public_id=sleeper.engine, ended_at=None)
    live.wait_until(lambda: not running.exists(), "the engine stops", live.REQUEST_S)


def seen(sleeper: Sleeper) -> tuple[float, float, float, float]:
    """When the last wake was asked for, claimed, had its adapter, and was announced: UNIX seconds."""
    from embassy.deployments.models import Deployment, Wake
    from embassy.engines.models import EngineRun

    wake = Wake.objects.filter(deployment__public_id=sleeper.deployment).latest("id")
    run = EngineRun.objects.filter(engine__public_id=sleeper.engine).latest("id")
    adapter = Deployment.objects.select_related("adapter").get(public_id=sleeper.deployment).adapter
    assert adapter is not None
    assert adapter.loaded_at is not None
    assert run.active_at is not None
    moments = (wake.asked_at, run.began_at, adapter.loaded_at, run.active_at)
    asked, claimed, loaded, announced = (moment.timestamp() for moment in moments)
    return asked, claimed, loaded, announced


async def crowd(platform: live.Platform) -> list[Client]:
    """All at once, each on a connection of its own; whoever gets no answer has none."""
    loop = asyncio.get_running_loop()
    request = platform.question(NAME, stream=False).request()
    connections = (
        loop.create_connection(lambda: Client(request, 1), "127.0.0.1", platform.port) for _ in range(CROWD)
    )
    clients = [client for _, client in await asyncio.gather(*connections)]
    for client in clients:
        client.start()
    await asyncio.gather(*(client.done for client in clients), return_exceptions=True)
    return clients


def measure_crowd(platform: live.Platform, sleeper: Sleeper) -> dict[str, Any]:
    from embassy.engines.models import EngineRun

    put_to_sleep(platform, sleeper)
    runs = EngineRun.objects.filter(engine__public_id=sleeper.engine)
    before = runs.count()
    clients = asyncio.run(crowd(platform))
    good = [client for client in clients if client.answers and client.answers[0].startswith(b"HTTP/1.1 200")]
    taken = sorted(client.taken_s[0] for client in good)
    return {
        "requests": CROWD,
        "answers": len(good),
        "errors": CROWD - len(good),
        "engine_starts": runs.count() - before,
        "first_answer_ms": round(taken[0] * 1000) if taken else None,
        "last_answer_ms": round(taken[-1] * 1000) if taken else None,
    }


def measured(platform: live.Platform, rounds: int) -> dict[str, Any]:
    sleeper = make_sleeper(platform)
    results = live.both_ways(
        lambda kind, _: measure(platform, sleeper, stream=kind == "streamed"), rounds, PROMISED_S
    )
    results["crowd"] = measure_crowd(platform, sleeper)
    return results


if __name__ == "__main__":
    live.main(__doc__, measured, rounds=10)
