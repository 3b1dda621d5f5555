from embassy.engines.models.adapter import Adapter
from embassy.engines.models.engine import Engine, EngineKind
from embassy.engines.models.host import Host
from embassy.engines.models.run import EngineRun

__all__ = ["Adapter", "Engine", "EngineKind", "EngineRun", "Host"]
