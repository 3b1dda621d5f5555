"""What the trainer says beside its account, stored while it runs, so that any host can show it."""

import logging
import time
from pathlib import Path

from embassy.platform.errors import EmbassyError
from embassy.platform.logs import fields
from embassy.platform.storage import get_storage
from embassy.training.logs import redacted

log = logging.getLogger(__name__)

SECONDS = 5.0
# A log is stored whole each time, so a long one is stored more rarely.
BYTES_PER_SECOND = 100_000


class StoredLog:
    """The log of one attempt: the file that the trainer writes, and the object that it is stored as."""

    def __init__(self, path: Path, key: str) -> None:
        self._path, self._key = path, key
        self._size = 0
        self._stored_at = 0.0

    def store_now_and_then(self) -> None:
        """Store what is new, every few seconds."""
        if time.monotonic() - self._stored_at >= max(SECONDS, self._size / BYTES_PER_SECOND):
            self.store()

    def store(self) -> None:
        """Store it if there is anything new. A storage that is away costs no more than this copy."""
        self._stored_at = time.monotonic()
        if not self._path.exists() or self._path.stat().st_size == self._size:
            return
        content = self._path.read_bytes()
        try:
            get_storage().put(self._key, redacted(content))
        except EmbassyError as error:
            log.warning("log.not_stored", extra=fields(key=self._key, error=error.message))
        else:
            self._size = len(content)
