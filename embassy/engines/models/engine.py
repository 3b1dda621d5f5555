"""One model server: what it serves, whether it is wanted, and what is observed of it."""

import hashlib
import hmac
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from embassy.engines.states import ENGINE, EngineStatus, Wanted
from embassy.platform.ids import id_factory
from embassy.platform.models import Leased, Timestamped
from embassy.platform.words import words_index

# An engine that failed to start this often is not tried again until somebody wants it anew.
START_ATTEMPTS = 5
GIVEN_UP = timedelta(seconds=60)  # for so long requests do not wake one that was given up


class EngineKind(models.TextChoices):
    GENERATE = "generate"
    CLASSIFY = "classify"
    EMBED = "embed"


class Engine(Leased, Timestamped):
    """Automatic engines belong to the platform (no organization) and come and go with what is on them."""

    public_id = models.CharField(max_length=40, unique=True, default=id_factory("engine-"), editable=False)
    organization = models.ForeignKey(
        "projects.Organization", on_delete=models.CASCADE, null=True, related_name="engines"
    )
    name = models.CharField(max_length=120)
    automatic = models.BooleanField(default=True)

    base_model = models.CharField(max_length=200)  # catalog name
    archive_key = models.CharField(max_length=500, blank=True)  # a merged model in storage, if any
    sha256 = models.CharField(max_length=64, blank=True)  # of that archive
    task_type = models.CharField(max_length=32)
    kind = models.CharField(max_length=16, choices=EngineKind.choices)
    dtype = models.CharField(max_length=16)
    max_model_len = models.PositiveIntegerField()  # tokens
    rank = models.PositiveIntegerField(default=0)  # highest LoRA rank it takes; 0: no adapters
    shard = models.PositiveSmallIntegerField(default=0)  # among automatic engines that share all the above

    wanted = models.CharField(max_length=16, choices=Wanted.choices, default=Wanted.ACTIVE)
    status = models.CharField(max_length=16, choices=EngineStatus.choices, default=EngineStatus.CREATING)
    reason = models.TextField(blank=True)  # why it is not Active; a sentence
    failures = models.PositiveIntegerField(default=0)  # starts or runs that failed, in a row
    retry_at = models.DateTimeField(null=True)  # not before then
    draining = models.BooleanField(default=False)  # still Active, but takes no new requests

    model_path = models.CharField(max_length=500, blank=True)  # folder on the host that runs it
    host = models.CharField(max_length=255, blank=True)
    port = models.PositiveIntegerField(default=0)  # 0: nowhere to send a request
    active_at = models.DateTimeField(null=True)
    start_seconds = models.FloatField(null=True)  # how long the last start took
    last_access_at = models.DateTimeField(null=True)
    woken_at = models.DateTimeField(null=True)  # when it was last asked to run
    slept_at = models.DateTimeField(null=True)  # when it was last stopped by hand
    resource_management: Any = models.JSONField(default=dict, blank=True)
    deleted_at = models.DateTimeField(null=True)

    host_name = models.CharField(max_length=100, blank=True)  # of the Host that runs it or was chosen for it
    need_bytes = models.BigIntegerField(null=True)  # of GPU memory, or of the host's without a GPU
    gpus: Any = models.JSONField(default=list, blank=True)  # indices of those that it has on its host
    sleep_level = models.PositiveSmallIntegerField(default=0)  # vLLM's; 0: awake

    class Meta:
        constraints: ClassVar = [
            ENGINE.check("engine_status_known"),
            models.CheckConstraint(condition=models.Q(wanted__in=Wanted.values), name="engine_wanted_known"),
            models.UniqueConstraint(
                fields=["base_model", "archive_key", "kind", "dtype", "max_model_len", "rank", "shard"],
                condition=models.Q(automatic=True, deleted_at=None),
                name="engine_automatic_once",
            ),
            models.UniqueConstraint(
                fields=["organization", "name"],
                condition=models.Q(automatic=False, deleted_at=None),
                name="engine_name_once",
            ),
        ]
        indexes: ClassVar = [words_index("engine_words")]

    def __str__(self) -> str:
        return f"{self.public_id} ({self.base_model})"

    @property
    def routable(self) -> bool:
        """Whether requests may be sent to it now."""
        serves = self.status == EngineStatus.ACTIVE and self.port != 0
        return serves and not self.draining and self.sleep_level == 0

    @property
    def gave_up(self) -> bool:
        """It did not start, again and again; only somebody who wants it anew changes that."""
        return self.wanted == Wanted.INACTIVE and self.failures >= START_ATTEMPTS

    @property
    def api_key(self) -> str:
        """The key of this very run of the engine. Derived, so that it is stored and logged nowhere."""
        return derived_key(self.public_id, self.lease_token)


def derived_key(public_id: str, token: int) -> str:
    message = f"engine:{public_id}:{token}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), message, hashlib.sha256).hexdigest()
