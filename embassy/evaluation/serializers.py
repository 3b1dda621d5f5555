from typing import Any

from rest_framework import serializers


class TestingFunctionSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    content = serializers.CharField(help_text="The function's source.")
    dependencies = serializers.ListField(child=serializers.CharField())
