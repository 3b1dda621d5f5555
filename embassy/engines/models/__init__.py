from embassy.engines.models.adapter import Adapter
from embassy.engines.models.engine import Engine, EngineKind

__all__ = ["Adapter", "Engine", "EngineKind"]
