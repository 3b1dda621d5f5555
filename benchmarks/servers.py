"""The servers that a benchmark compares, each a process that ends with the stack it was started on."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.engine_start import first_token
from benchmarks.engine_start import start as start_vllm
from benchmarks.http_load import Target, load

ROOT = Path(__file__).resolve().parents[1]
ENGINE_KEY = "benchmark"
LITELLM_KEY = "sk-benchmark"
START_S = 180.0
NO_LIMIT = 2_000_000_000  # a minute; it is counted all the same


def instant_engine(stack: ExitStack) -> int:
    """The port of the engine that answers at once."""
    process = started(stack, sys.executable, "-m", "benchmarks.instant_engine")
    assert process.stdout is not None
    return int(process.stdout.readline())


def vllm_engine(stack: ExitStack, folder: Path) -> int:
    """The port of a real engine with the shipped model; its key is ENGINE_KEY."""
    child, client = start_vllm(folder / "engine", None, folder / "cache")
    stack.enter_context(child)
    first_token(child, client)
    return client.port


def stores(stack: ExitStack) -> None:
    """Postgres and Valkey, named in our environment."""
    from embassy.platform.launcher.testing import running_stores

    os.environ.update(stack.enter_context(running_stores()))
    os.environ |= {"DJANGO_SETTINGS_MODULE": "embassy.platform.settings", "SECRET_KEY": "benchmark"}


def api_key() -> str:
    """A key of a new organization, with limits that are counted and never reached."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from embassy.projects import services
    from embassy.projects.models import ApiKey, User

    user = User.objects.create_user("benchmark@example.com", "a long password")
    organization = services.create_organization(name="Benchmark", owner=user)
    row, plain = services.create_api_key(organization=organization, user=user, name="benchmark")
    ApiKey.objects.filter(pk=row.pk).update(requests_per_minute=NO_LIMIT, tokens_per_minute=NO_LIMIT)
    return plain


def gateway(stack: ExitStack, engine_port: int) -> tuple[int, int]:
    """Port and process id of the product's web server, with the launcher's own options for it."""
    port = free_port()
    process = started(
        stack,
        *(sys.executable, "-m", "uvicorn", "benchmarks.gateway_app:application"),
        *("--port", str(port), "--no-access-log", "--log-level", "warning"),
        BENCHMARK_ENGINE_PORT=str(engine_port),
        BENCHMARK_ENGINE_KEY=ENGINE_KEY,
        EMBASSY_DB_POOL="1",
    )
    return port, process.pid


def litellm(stack: ExitStack, program: Path, folder: Path, engine_port: int, model: str) -> tuple[int, int]:
    """Port and process id of a LiteLLM proxy that checks LITELLM_KEY and has no database."""
    port, config = free_port(), folder / "litellm.yaml"
    upstream = {
        "model": "openai/base",
        "api_base": f"http://127.0.0.1:{engine_port}/v1",
        "api_key": ENGINE_KEY,
    }
    settings = {
        "model_list": [{"model_name": model, "litellm_params": upstream}],
        "general_settings": {"master_key": LITELLM_KEY},
    }
    config.write_text(json.dumps(settings))  # JSON is YAML
    process = started(
        stack,
        *(str(program), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)),
        *("--telemetry", "False"),
        LITELLM_LOCAL_MODEL_COST_MAP="True",
        DATABASE_URL=None,  # ours
        REDIS_URL=None,
        log=folder / "litellm.log",
    )
    return port, process.pid


def wait_until_it_answers(target: Target) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            asyncio.run(load(target, connections=1, requests=1))
        except (OSError, RuntimeError) as error:
            if time.monotonic() > deadline:
                raise SystemExit(f"{target.name} does not answer: {error}") from None
            time.sleep(0.2)
        else:
            return


def started(
    stack: ExitStack, *argv: str, log: Path | None = None, **environment: str | None
) -> "subprocess.Popen[str]":
    output: Any = subprocess.PIPE if log is None else stack.enter_context(log.open("w"))
    changed = {**os.environ, **environment}
    env = {name: value for name, value in changed.items() if value is not None}
    process = subprocess.Popen(
        argv, cwd=ROOT, env=env, stdout=output, stderr=None if log is None else output, text=True
    )

    def stop() -> None:
        process.kill()
        process.wait()

    stack.callback(stop)
    return process


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def machine() -> dict[str, Any]:
    return {"cores": os.cpu_count(), "load_average": [round(load, 2) for load in os.getloadavg()]}
