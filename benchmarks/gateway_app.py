"""The whole web server in front of one engine, whatever runs there.

Everything is the product's own but the list of routes, which has a base model at BENCHMARK_ENGINE_PORT among
two hundred deployments.
"""

import os
from dataclasses import replace

from embassy.asgi import application as application
from embassy.deployments import selectors
from embassy.deployments.routes import Route

MODEL = "tiny"

_served = Route(
    kind="base_model",
    models=(MODEL,),
    organization_id=None,
    project_id=None,
    deployment_pk=None,
    engine_pk=None,
    engine_id="engine-1",
    host="127.0.0.1",
    port=int(os.environ["BENCHMARK_ENGINE_PORT"]),
    api_key=os.environ["BENCHMARK_ENGINE_KEY"],
    upstream_model="base",
    task_type="text-generation",
    prompt_prefix=None,
    prompt_suffix=None,
    context_length=1024,
    state="ready",
    reason="",
    cache_salt="salt",
)
_routes = [_served, *(replace(_served, models=(f"dp-{number}", f"name-{number}")) for number in range(200))]
selectors.routes = lambda: _routes
