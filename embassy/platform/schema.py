"""The OpenAPI document: every operation tells its errors, so no view has to repeat them."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers


class ErrorSerializer(serializers.Serializer[Any]):
    status = serializers.IntegerField(help_text="The HTTP status again.")
    error = serializers.CharField(help_text="What is wrong and what to do.")
    code = serializers.CharField(help_text="Stable name of the error.")


class ApiSchema(AutoSchema):
    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        operation = super().get_operation(*args, **kwargs)
        if operation is not None:
            self._add_errors(operation)
        return operation

    def _add_errors(self, operation: dict[str, Any]) -> None:
        reference = self._error_reference()
        statuses = {"400": "Bad request", "401": "No valid key", "403": "The key may not do this"}
        if "{" in self.path:
            statuses["404"] = "Not found"
        for status, description in statuses.items():
            content = {"application/json": {"schema": reference}}
            operation["responses"].setdefault(status, {"description": description, "content": content})

    def _error_reference(self) -> dict[str, Any]:
        component = self.resolve_serializer(ErrorSerializer, "response")
        return dict(component.ref)
