"""One run of an engine, from claim to end: what engine-seconds and the history are made of."""

from django.db import models

from embassy.engines.models.engine import Engine

# Runs of which some of the time that they served is not in the usage yet.
UNCOUNTED = models.Q(active_at__isnull=False) & (
    models.Q(ended_at=None) | models.Q(counted_until=None) | models.Q(counted_until__lt=models.F("ended_at"))
)


class EngineRun(models.Model):
    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="runs")
    token = models.BigIntegerField()  # of the lease under which it ran
    host = models.CharField(max_length=255)
    began_at = models.DateTimeField()
    active_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)  # why it ended; a sentence
    counted_until = models.DateTimeField(null=True)  # its seconds are in the usage up to here

    class Meta:
        constraints = (models.UniqueConstraint(fields=["engine", "token"], name="engine_run_once"),)
        indexes = (
            models.Index(fields=["ended_at"]),
            models.Index(fields=["active_at"], condition=UNCOUNTED, name="engine_run_uncounted"),
        )

    def __str__(self) -> str:
        return f"{self.engine_id} on {self.host} from {self.began_at:%Y-%m-%d %H:%M:%S}"
