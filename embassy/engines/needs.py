"""How much memory an engine will take, from what is known of its model on this machine."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from embassy.catalog import selectors as catalog
from embassy.catalog import weights
from embassy.engines import sizing
from embassy.engines.command import EngineOptions
from embassy.engines.models import Engine
from embassy.engines.sizing import Model, Need
from embassy.platform.errors import EmbassyError

NOTHING_KNOWN = Need(host=0, split=0, each=0)


def need_of(engine: Engine) -> Need:
    """A merged model counts as its base model. NOTHING_KNOWN where the model is not: its start says so."""
    try:
        model = catalog.get_base_model(engine.base_model)
        folder = weights.folder_here(engine.base_model)
    except EmbassyError:
        return NOTHING_KNOWN
    known = Model(
        parameters=model.size_parameters,
        config=_config(folder) if folder else {},
        dtype=engine.dtype,
        max_model_len=engine.max_model_len,
        rank=engine.rank,
        adapter_slots=EngineOptions.max_loras,
    )
    try:
        return sizing.need(known)
    except (KeyError, TypeError, ZeroDivisionError):
        return sizing.need(replace(known, config={}))  # an architecture that words it otherwise


def _config(folder: Path) -> dict[str, Any]:
    """Empty where it cannot be read: the engine's start will say so."""
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return config
