"""Wakes in the Emissary family's words. Times are UNIX seconds, durations seconds."""

from typing import Any

from rest_framework import serializers

from embassy.deployments.models import Wake, WakeCause, WakeOutcome
from embassy.platform.serializer_fields import UnixTimeField

MOST = 100


class LastWakeSerializer(serializers.ModelSerializer[Wake]):
    cause = serializers.ChoiceField(WakeCause.choices, help_text="What asked for it.")
    outcome = serializers.ChoiceField(WakeOutcome.choices)
    seconds = serializers.FloatField(allow_null=True, help_text="From asked to ended; null while it waits.")
    asked_at = UnixTimeField()

    class Meta:
        model = Wake
        fields: tuple[str, ...] = ("cause", "outcome", "seconds", "asked_at")


class WakeSerializer(LastWakeSerializer):
    reason = serializers.CharField(help_text="Why it waits, or why it failed; empty if it is up.")
    ended_at = UnixTimeField(allow_null=True)

    class Meta(LastWakeSerializer.Meta):
        fields = (*LastWakeSerializer.Meta.fields, "reason", "ended_at")


class WakeQuerySerializer(serializers.Serializer[Any]):
    limit = serializers.IntegerField(
        default=20, min_value=1, max_value=MOST, help_text=f"At most so many, up to {MOST}."
    )
