"""Once it is over: is everything that is wanted there, and is nothing there that is not?"""

import hashlib
import hmac
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil

from embassy.engines.client import EngineClient
from embassy.platform.errors import EmbassyError
from tests.chaos.victims import engines_of
from tests.e2e.inside import Inside
from tests.e2e.live import LivePlatform

ENGINES = """
    SELECT id, public_id, wanted, status, host, port, lease_token, lease_owner, lease_until > now(), draining,
        reason
    FROM engines_engine WHERE deleted_at IS NULL
"""
ADAPTERS = "SELECT name, wanted, loaded_at IS NOT NULL, error FROM engines_adapter WHERE engine_id = %s"
DEPLOYMENTS = """
    SELECT d.name, d.status, d.reason, e.wanted FROM deployments_deployment d
    JOIN engines_engine e ON e.id = d.engine_id WHERE d.status <> 'Terminated'
"""
WORK = "SELECT public_id, status, lease_owner FROM training_trainingjob WHERE lease_until IS NOT NULL"


@dataclass(frozen=True)
class Engine:
    """A row of the database."""

    pk: int
    id: str
    wanted: str
    status: str
    host: str
    port: int
    token: int
    owner: str
    is_leased: bool | None
    draining: bool
    reason: str

    @property
    def is_active(self) -> bool:
        return self.status == "Active"

    def folders(self) -> list[Path]:
        """What its runs have left in the folder for temporary files."""
        return list(Path(tempfile.gettempdir()).glob(f"embassy-{self.id[-8:]}-*"))


def engines(inside: Inside) -> list[Engine]:
    return [Engine(*row) for row in inside.rows(ENGINES)]


def amiss(platform: LivePlatform, inside: Inside) -> list[str]:
    """Each difference between what is wanted, what the database says and what is there; best none.

    An engine that is not wanted any more may have been given up: then what is on it has failed.
    """
    rows = engines(inside)
    found = [fault for engine in rows for fault in _of_engine(platform, inside, engine)]
    found += [
        f"deployment {name} is {status}: {reason}"
        for name, status, reason, wanted in inside.rows(DEPLOYMENTS)
        if status not in (("Deployed",) if wanted == "active" else ("Deactivated", "Failed"))
    ]
    found += [f"job {job} is {status}, leased by {owner}" for job, status, owner in inside.rows(WORK)]
    running, active = len(engines_of(platform)), sum(engine.is_active for engine in rows)
    if running != active:
        found.append(f"{running} engines run, {active} are Active")
    return found


def _of_engine(platform: LivePlatform, inside: Inside, engine: Engine) -> list[str]:
    found = []
    if engine.is_active != (engine.wanted == "active"):
        found.append(f"is {engine.status}: {engine.reason}")
    if engine.draining:
        found.append("drains")
    if engine.is_active != bool(engine.is_leased):
        found.append(f"is {engine.status} and {'leased' if engine.is_leased else 'not leased'}")
    if engine.is_leased and not psutil.pid_exists(int(engine.owner.rpartition(":")[2])):
        found.append(f"is leased by {engine.owner}, which is gone")
    if engine.is_active and len(engine.folders()) != 1:
        found.append(f"has left {engine.folders()}")
    if engine.is_active:
        found += _of_adapters(platform, inside, engine)
    return [f"engine {engine.id} {fault}" for fault in found]


def _of_adapters(platform: LivePlatform, inside: Inside, engine: Engine) -> list[str]:
    adapters = inside.rows(ADAPTERS, engine.pk)
    found = [
        f"has adapter {name}: wanted {wanted}, loaded {loaded}, {error!r}"
        for name, wanted, loaded, error in adapters
        if not (wanted and loaded) or error
    ]
    expected = {"base", *(name for name, *_ in adapters)}
    try:
        served = set(EngineClient(engine.host, engine.port, _key(platform, engine)).model_names())
    except EmbassyError as error:
        return [*found, f"does not say what it serves: {error}"]
    if served != expected:
        found.append(f"serves {sorted(served)}, not {sorted(expected)}")
    return found


def _key(platform: LivePlatform, engine: Engine) -> str:
    """As the engine derives it, from a secret that is not ours."""
    env = json.loads((platform.home / "run" / "services.json").read_text())["env"]
    message = f"engine:{engine.id}:{engine.token}".encode()
    return hmac.new(env["SECRET_KEY"].encode(), message, hashlib.sha256).hexdigest()
