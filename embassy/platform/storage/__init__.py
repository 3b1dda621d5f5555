"""Objects by key: files under one folder, or S3. Everything that is too big for a row lives here.

`get_storage()` gives the one that the settings name. A key such as `datasets/ds-…/rows.jsonl` is checked
before use; a key never lies under another one, because a file cannot be a folder as well.
"""

import os
from functools import lru_cache

from django.conf import settings

from embassy.platform.storage.files import FileStorage
from embassy.platform.storage.interface import ObjectMissing, Source, Storage
from embassy.platform.storage.s3 import S3Account, S3Storage

__all__ = ["FileStorage", "ObjectMissing", "S3Account", "S3Storage", "Source", "Storage", "get_storage"]


def get_storage() -> Storage:
    if not settings.S3_BUCKET:
        return FileStorage(settings.STORAGE_DIR)
    account = S3Account(
        endpoint_url=settings.S3_ENDPOINT_URL,
        bucket=settings.S3_BUCKET,
        access_key_id=settings.S3_ACCESS_KEY_ID,
        secret_access_key=settings.S3_SECRET_ACCESS_KEY,
        region=settings.S3_REGION,
        public_endpoint_url=settings.S3_PUBLIC_ENDPOINT_URL,
    )
    return _s3(account, os.getpid())


@lru_cache(maxsize=4)
def _s3(account: S3Account, _pid: int) -> S3Storage:
    """One client for each process: connections that a fork inherits would be read by both sides."""
    return S3Storage(account)
