"""Routes as deployments would offer them."""

from typing import Any

from embassy.deployments.routes import Route


def make_route(port: int = 0, **changes: Any) -> Route:
    """A ready deployment of organization 1 called "support", or what `changes` make of it."""
    values: dict[str, Any] = {
        "kind": "deployment",
        "models": ("support", "dp-1"),
        "organization_id": 1,
        "project_id": 1,
        "deployment_pk": 1,
        "engine_pk": 1,
        "engine_id": "engine-1",
        "host": "127.0.0.1",
        "port": port,
        "api_key": "engine-key",
        "upstream_model": "dp-1-v1",
        "task_type": "text-generation",
        "prompt_prefix": None,
        "prompt_suffix": None,
        "context_length": 1024,
        "state": "ready",
        "reason": "",
        "cache_salt": "salt",
    }
    return Route(**values | changes)


def make_base_route(port: int = 0, **changes: Any) -> Route:
    """A ready base model called "tiny"."""
    base: dict[str, Any] = {
        "kind": "base_model",
        "models": ("tiny",),
        "organization_id": None,
        "project_id": None,
        "deployment_pk": None,
        "upstream_model": "base",
    }
    return make_route(port, **base | changes)
