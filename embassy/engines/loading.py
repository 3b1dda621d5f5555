"""Bring the adapters on a running engine in line with the rows that say which are wanted."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from django.db.models import Q

from embassy.engines import archives, observe
from embassy.engines.adapters import check_adapter
from embassy.engines.client import EngineClient, EngineUnavailable
from embassy.engines.command import EngineOptions
from embassy.engines.keys import Archive
from embassy.engines.models import Adapter, Engine
from embassy.platform.errors import EmbassyError, Unavailable
from embassy.platform.logs import fields

log = logging.getLogger(__name__)

ATTEMPTS = 5  # at a load that fails for a reason that may pass
PAUSE_S = 2.0  # after the first of them; then twice that, and so on


class Loader:
    """Loads and unloads on one run of an engine. `watch` is called between steps and may raise to end it."""

    def __init__(
        self,
        engine: Engine,
        client: EngineClient,
        options: EngineOptions,
        watch: Callable[[], object],
    ) -> None:
        self._engine = engine
        self._token = engine.lease_token
        self._client = client
        self._options = options
        self._watch = watch
        self._not_before: dict[int, float] = {}

    def sync(self) -> None:
        """One pass over the adapters that are not as they should be."""
        wrong = Q(wanted=True, loaded_at=None, error="") | Q(wanted=False)
        for adapter in self._engine.adapters.filter(wrong).order_by("id"):
            self._watch()
            adapter.engine = self._engine
            if not adapter.wanted:
                self._unload(adapter)
            elif self._not_before.get(adapter.pk, 0.0) <= time.monotonic():
                self._load(adapter)

    def _load(self, adapter: Adapter) -> None:
        began = time.monotonic()
        try:
            self._client.load_adapter(adapter.name, self._checked_folder(adapter))
        except Unavailable as error:
            self._try_again(adapter, error)
        except EmbassyError as error:
            self._give_up(adapter, error)
        else:
            observe.loaded(adapter=adapter, token=self._token)
            seconds = round(time.monotonic() - began, 3)
            log.info("adapter.loaded", extra=fields(adapter=adapter.name, seconds=seconds))

    def _checked_folder(self, adapter: Adapter) -> Path:
        folder = archives.adapter(Archive(adapter.archive_key, adapter.sha256))
        check_adapter(
            folder,
            self._options.model,
            kind=self._options.kind,
            max_rank=self._options.max_lora_rank,
            targets=self._options.lora_targets,
        )
        return folder

    def _unload(self, adapter: Adapter) -> None:
        try:
            self._client.unload_adapter(adapter.name)
        except EngineUnavailable:
            return  # the next pass tries again; a dead engine is noticed by the watch
        self._not_before.pop(adapter.pk, None)
        observe.unloaded(adapter=adapter, token=self._token)
        log.info("adapter.unloaded", extra=fields(adapter=adapter.name))

    def _try_again(self, adapter: Adapter, error: EmbassyError) -> None:
        if adapter.attempts + 1 >= ATTEMPTS:
            self._give_up(adapter, error)
            return
        observe.load_put_off(adapter=adapter, token=self._token)
        self._not_before[adapter.pk] = time.monotonic() + PAUSE_S * 2**adapter.attempts

    def _give_up(self, adapter: Adapter, error: EmbassyError) -> None:
        log.warning("adapter.refused", extra=fields(adapter=adapter.name, error=error.message))
        observe.load_failed(adapter=adapter, token=self._token, error=error.message)
