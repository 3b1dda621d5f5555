"""Reads of engines. An organization sees its own engines; the automatic ones are the platform's."""

from django.db.models import QuerySet

from embassy.engines.client import EngineClient
from embassy.engines.models import Engine
from embassy.engines.states import EngineStatus, Wanted
from embassy.platform.actor import Actor
from embassy.platform.errors import NotFound


def engines_visible_to(actor: Actor) -> "QuerySet[Engine, Engine]":
    own = Engine.objects.filter(organization_id=actor.organization_id, automatic=False, deleted_at=None)
    return own.order_by("id")


def get_engine(actor: Actor, public_id: str) -> Engine:
    engine = engines_visible_to(actor).filter(public_id=public_id).first()
    if engine is None:
        raise NotFound(f"There is no engine {public_id}. List yours with GET /v1/engines.")
    return engine


def waiting() -> "QuerySet[Engine, Engine]":
    """Engines that are wanted and that nobody runs."""
    return Engine.objects.filter(
        wanted=Wanted.ACTIVE, status=EngineStatus.CREATING, lease_until=None, deleted_at=None
    )


def addresses() -> set[tuple[str, int]]:
    """Host and port of every engine that has one, also of those that are about to stop."""
    return set(Engine.objects.exclude(port=0).values_list("host", "port"))


def client_for(engine: Engine) -> EngineClient:
    """Calls to an Active engine, at the address of the row as it is now."""
    return EngineClient(host=engine.host, port=engine.port, api_key=engine.api_key)
