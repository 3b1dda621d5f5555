"""Test functions in the Emissary family's words. Times are UNIX seconds."""

from typing import Any

from rest_framework import serializers

from embassy.evaluation.source import MAX_NAME
from embassy.evaluation.task_types import TaskType
from embassy.platform.serializer_fields import UnixTimeField

MAX_DEPENDENCIES = 20
MAX_DRY_ROWS = 20
MAX_TEXT = 100_000

_CONTENT = "The function's source: `def my_function(input_text, expected_output, predicted_output) -> float`."
_DEPENDENCIES = "Packages that it imports beside the standard library."
_TASK_TYPES = f"What it is for, of {', '.join(TaskType.values)}; empty: every task."


class TestingFunctionSerializer(serializers.Serializer[Any]):
    __test__ = False

    name = serializers.CharField(help_text="That of the Python function.")
    content = serializers.CharField(help_text="The function's source.")
    dependencies = serializers.ListField(child=serializers.CharField(), help_text=_DEPENDENCIES)


class TestingFunctionDetailSerializer(TestingFunctionSerializer):
    """Of a built-in function nobody is the author, and no time is known."""

    task_types = serializers.ListField(child=serializers.CharField(), help_text=_TASK_TYPES)
    is_built_in = serializers.BooleanField()
    created_by = serializers.CharField(source="created_by.public_id", required=False)
    created_at = UnixTimeField(required=False)
    updated_at = UnixTimeField(required=False)


class WriteTestingFunctionSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(
        required=False, max_length=MAX_NAME, help_text="Left out, it is taken from the source."
    )
    content = serializers.CharField(trim_whitespace=False, help_text=_CONTENT)
    dependencies = serializers.ListField(
        child=serializers.CharField(max_length=100),
        required=False,
        max_length=MAX_DEPENDENCIES,
        help_text=_DEPENDENCIES,
    )
    task_types = serializers.ListField(
        child=serializers.CharField(max_length=32), required=False, help_text=_TASK_TYPES
    )


class DryRunRowSerializer(serializers.Serializer[Any]):
    input_text = serializers.CharField(
        allow_blank=True, trim_whitespace=False, max_length=MAX_TEXT, default=""
    )
    expected_output = serializers.CharField(allow_blank=True, trim_whitespace=False, max_length=MAX_TEXT)
    predicted_output = serializers.CharField(allow_blank=True, trim_whitespace=False, max_length=MAX_TEXT)


class DryRunSerializer(serializers.Serializer[Any]):
    rows = serializers.ListField(child=DryRunRowSerializer(), min_length=1, max_length=MAX_DRY_ROWS)


class DryRunUnsavedSerializer(DryRunSerializer):
    name = serializers.CharField(required=False, max_length=MAX_NAME)
    content = serializers.CharField(trim_whitespace=False, help_text=_CONTENT)
    dependencies = serializers.ListField(
        child=serializers.CharField(max_length=100), required=False, max_length=MAX_DEPENDENCIES
    )


class DryRunResultSerializer(serializers.Serializer[Any]):
    score = serializers.FloatField(source="value", allow_null=True)
    reason = serializers.CharField(help_text="Why there is no score; empty if there is one.")
    seconds = serializers.FloatField()
    output = serializers.CharField(help_text="The beginning of what it printed.")


class DryRunReportSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    results = DryRunResultSerializer(many=True, source="scores", help_text="One for each row, in order.")
    mean = serializers.FloatField(help_text="As a job would show it: a row without a score counts as 0.")
    seconds = serializers.FloatField(help_text="The sandbox's start included.")
    sandbox = serializers.CharField(help_text="How user code is confined: strong, basic or none.")
