"""Request logs on the wire. Times are UNIX seconds."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from embassy.datasets import names
from embassy.datasets.models import Dataset
from embassy.inference.models import RequestLog
from embassy.inference.request_logs.selectors import ERROR, SUCCESS, LogFilter
from embassy.inference.request_logs.services import DatasetRequest
from embassy.platform.serializer_fields import UnixTimeField

MAX_PAGE, PAGE = 200, 50
MAX_ROWS, ROWS = 100_000, 10_000


@extend_schema_field({"type": "integer", "example": 1633036800})
class TimeField(serializers.Field[datetime, Any, int, Any]):
    """UNIX seconds that somebody sends."""

    default_error_messages = {"invalid": "Give a time as UNIX seconds."}  # noqa: RUF012 (the library's)

    def to_internal_value(self, data: Any) -> datetime:
        try:
            return datetime.fromtimestamp(float(data), UTC)
        except (TypeError, ValueError, OverflowError, OSError):
            self.fail("invalid")


class FilterSerializer(serializers.Serializer[Any]):
    status = serializers.RegexField(
        rf"^([1-5]\d\d|{SUCCESS}|{ERROR})$", required=False, help_text="An HTTP status, `success` or `error`."
    )
    q = serializers.CharField(
        required=False, max_length=200, trim_whitespace=False, help_text="A text in requests or responses."
    )

    def get_fields(self) -> dict[str, Any]:
        # `from` cannot be the name of an attribute.
        sides = {"from": "since", "to": "until"}
        times = {name: TimeField(required=False, source=source) for name, source in sides.items()}
        return super().get_fields() | times


def filter_of(values: Mapping[str, Any]) -> LogFilter:
    """`values` are validated data."""
    return LogFilter(
        status=values.get("status"),
        since=values.get("since"),
        until=values.get("until"),
        text=values.get("q"),
    )


class PageSerializer(FilterSerializer):
    before = serializers.CharField(required=False, max_length=40, help_text="`next` of the page before.")
    limit = serializers.IntegerField(default=PAGE, min_value=1, max_value=MAX_PAGE)


class DeleteLogsSerializer(serializers.Serializer[Any]):
    older_than = TimeField(required=False, help_text="Only those from before this time.")


class DatasetFromLogsSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=names.MAX_NAME)
    filters = FilterSerializer(required=False)
    only_successful = serializers.BooleanField(
        default=True, help_text="Leave out errors, and answers that were cut at their limit."
    )
    deduplicate = serializers.BooleanField(
        default=True, help_text="Of several answers to the same question keep the newest."
    )
    limit = serializers.IntegerField(
        default=ROWS, min_value=1, max_value=MAX_ROWS, help_text="The most rows; the newest are taken."
    )

    def request(self) -> DatasetRequest:
        """Call after is_valid()."""
        values = self.validated_data
        return DatasetRequest(
            name=values["name"],
            filter=filter_of(values.get("filters", {})),
            only_successful=values["only_successful"],
            deduplicate=values["deduplicate"],
            limit=values["limit"],
        )


class LogSummarySerializer(serializers.ModelSerializer[RequestLog]):
    id = serializers.CharField(source="public_id")
    created_at = UnixTimeField(help_text="When the request came, in UNIX seconds.")
    input = serializers.CharField(help_text="The beginning of what was asked.")
    output = serializers.CharField(help_text="The beginning of what was answered, or the error.")

    class Meta:
        model = RequestLog
        fields: tuple[str, ...] = (
            "id",
            "request_id",
            "endpoint",
            "status",
            "created_at",
            "input",
            "output",
            "prompt_tokens",
            "completion_tokens",
            "milliseconds",
            "first_token_milliseconds",
            "is_truncated",
        )


class LogDetailSerializer(LogSummarySerializer):
    request = serializers.DictField(help_text="The body of the request.")
    response = serializers.DictField(allow_null=True, help_text="A stream is put together again.")

    class Meta(LogSummarySerializer.Meta):
        fields = (*LogSummarySerializer.Meta.fields, "request", "response")


class LogPageSerializer(serializers.Serializer[Any]):
    logs = LogSummarySerializer(many=True)
    next = serializers.CharField(allow_null=True, help_text="Give it as `before` for older ones.")


class DeletedLogsSerializer(serializers.Serializer[Any]):
    deleted = serializers.IntegerField()


class SkippedSerializer(serializers.Serializer[Any]):
    duplicate = serializers.IntegerField()
    unusable = serializers.IntegerField()


class LogDatasetSerializer(serializers.ModelSerializer[Dataset]):
    """Give it the data set and the context `rows`."""

    id = serializers.CharField(source="public_id", help_text="The unique identifier of the data set.")
    created_at = UnixTimeField()
    rows = serializers.SerializerMethodField()
    skipped = serializers.SerializerMethodField()

    class Meta:
        model = Dataset
        fields = ("id", "name", "created_at", "is_uploaded", "rows", "skipped")

    def get_rows(self, dataset: Dataset) -> int:
        return int(self.context["rows"].count)

    @extend_schema_field(SkippedSerializer)
    def get_skipped(self, dataset: Dataset) -> dict[str, int]:
        skipped = self.context["rows"].skipped
        return {name: skipped[name] for name in ("duplicate", "unusable")}
