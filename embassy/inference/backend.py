"""What every endpoint needs to get an answer: one of each, for the life of the gateway."""

from dataclasses import dataclass

from embassy.inference.database import Database
from embassy.inference.routing import RouteTable
from embassy.inference.upstream import Upstream
from embassy.inference.usage import Meter
from embassy.inference.waking import Waking


@dataclass(frozen=True, slots=True)
class Backend:
    routes: RouteTable
    waking: Waking
    upstream: Upstream
    meter: Meter
    database: Database
