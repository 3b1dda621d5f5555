"""Usage as questions and answers over HTTP. Times are UNIX seconds."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from embassy.engines.models import EngineRun
from embassy.inference.reports.report import COLUMNS
from embassy.platform.serializer_fields import UnixTimeField

DAY = timedelta(days=1)
LATEST = 4_102_444_800  # the year 2100
MOST_RUNS = 500


@extend_schema_field({"type": "string", "example": "deployment,day"})
class GroupByField(serializers.Field[Any, Any, Any, Any]):
    """Names with commas between them, each once."""

    def to_internal_value(self, data: Any) -> list[str]:
        names = list(dict.fromkeys(name.strip() for name in str(data).split(",") if name.strip()))
        if unknown := [name for name in names if name not in COLUMNS]:
            raise serializers.ValidationError(
                f"Unknown: {', '.join(unknown)}. Group by any of {', '.join(COLUMNS)}."
            )
        return names

    def to_representation(self, value: Any) -> str:
        return ",".join(value)


class PeriodSerializer(serializers.Serializer[Any]):
    """`from` is a word of Python's, so the field is made by name."""

    to = serializers.IntegerField(
        required=False, min_value=1, max_value=LATEST, help_text="UNIX seconds; now if not given."
    )
    group_by = GroupByField(
        required=False, default=list, help_text=f"Any of {', '.join(COLUMNS)}, with commas between them."
    )

    def get_fields(self) -> dict[str, Any]:
        told = "UNIX seconds, counted from the beginning of the hour; a day before `to` if not given."
        begin = serializers.IntegerField(required=False, min_value=0, max_value=LATEST, help_text=told)
        return {"from": begin, **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        until = datetime.fromtimestamp(attrs["to"], UTC) if "to" in attrs else timezone.now()
        since = datetime.fromtimestamp(attrs["from"], UTC) if "from" in attrs else until - DAY
        if since >= until:
            raise serializers.ValidationError({"from": "This must be before `to`."})
        return attrs | {"since": since, "until": until}


class UsageQuerySerializer(PeriodSerializer):
    project_id = serializers.CharField(required=False, max_length=40)
    deployment_id = serializers.CharField(required=False, max_length=40, help_text="Also of a deleted one.")
    key = serializers.CharField(required=False, max_length=16, help_text="The prefix that is shown of a key.")
    model = serializers.CharField(required=False, max_length=200, help_text="As deployments are named.")


class PercentilesSerializer(serializers.Serializer[Any]):
    p50 = serializers.FloatField(allow_null=True, help_text="Milliseconds; null where nothing was timed.")
    p90 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)
    count = serializers.IntegerField(help_text="Answers that were timed.")


class FiguresSerializer(serializers.Serializer[Any]):
    requests = serializers.IntegerField()
    errors = serializers.IntegerField(  # type: ignore[assignment]  # a field, not the property of this name
        help_text="Of the requests, those that got an error instead."
    )
    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()
    milliseconds = serializers.IntegerField(help_text="From requests to the last bytes of their answers.")
    engine_seconds = serializers.FloatField(
        help_text="Time that engines were up for deployments, shared equally among those on one engine."
    )
    latency_ms = PercentilesSerializer(help_text="Of whole answers.")
    first_token_ms = PercentilesSerializer(help_text="Of streams, up to their first event.")


class GroupSerializer(FiguresSerializer):
    """Has the names that were asked for with `group_by`, and no others."""

    project_id = serializers.CharField(required=False, allow_null=True, help_text="Null: a base model.")
    deployment_id = serializers.CharField(required=False, allow_null=True, help_text="Null: a base model.")
    key = serializers.CharField(
        required=False, allow_null=True, help_text="Its prefix. Null: the console, or engine time."
    )
    model = serializers.CharField(required=False)
    hour = serializers.IntegerField(required=False, help_text="UNIX seconds of its beginning.")
    day = serializers.IntegerField(required=False, help_text="UNIX seconds of its beginning in UTC.")


class UsageReportSerializer(serializers.Serializer[Any]):
    to = serializers.IntegerField()
    total = FiguresSerializer()
    groups = GroupSerializer(many=True, help_text="Empty without `group_by`.")

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.IntegerField(), **super().get_fields()}


class RunQuerySerializer(serializers.Serializer[Any]):
    limit = serializers.IntegerField(
        default=50, min_value=1, max_value=MOST_RUNS, help_text=f"At most so many, up to {MOST_RUNS}."
    )


class EngineRunSerializer(serializers.ModelSerializer[EngineRun]):
    began_at = UnixTimeField(help_text="A worker took it.")
    active_at = UnixTimeField(allow_null=True, help_text="It served from then on; null: it never did.")
    ended_at = UnixTimeField(allow_null=True, help_text="Null: it runs.")
    start_seconds = serializers.SerializerMethodField(help_text="Until it served.")
    engine_seconds = serializers.SerializerMethodField(
        help_text="Seconds for which it served, up to now if it runs."
    )

    class Meta:
        model = EngineRun
        fields = ("host", "began_at", "active_at", "ended_at", "reason", "start_seconds", "engine_seconds")

    def get_start_seconds(self, run: EngineRun) -> float | None:
        return None if run.active_at is None else _seconds(run.began_at, run.active_at)

    def get_engine_seconds(self, run: EngineRun) -> float:
        return 0.0 if run.active_at is None else _seconds(run.active_at, run.ended_at or timezone.now())


def _seconds(begin: datetime, end: datetime) -> float:
    return round(max(0.0, (end - begin).total_seconds()), 3)
