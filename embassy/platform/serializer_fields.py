"""Fields that more than one serializer needs."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


@extend_schema_field({"type": "integer", "example": 1633036800})
class UnixTimeField(serializers.Field[datetime, Any, int, Any]):
    """A time as whole UNIX seconds. To read only."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, **options)

    def to_representation(self, value: datetime) -> int:
        return int(value.timestamp())
