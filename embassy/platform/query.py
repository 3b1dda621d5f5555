"""What a request asks for in its address."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request


def query_of(request: Request, kind: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    """The query parameters as `kind` reads them. Raises its ValidationError, which is answered by a 400."""
    query = kind(data=request.query_params)
    query.is_valid(raise_exception=True)
    return dict(query.validated_data)
