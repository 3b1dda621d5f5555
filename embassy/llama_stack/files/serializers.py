"""Files on the wire, in either dialect."""

import json
from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from embassy.llama_stack.models import File, Purpose
from embassy.llama_stack.openai.dialects import Dialect
from embassy.llama_stack.openai.pages import CursorSerializer

MIN_SECONDS, MAX_SECONDS = 3600, 2_592_000
MAX_PAGE = 10_000
# The contract has a time for every file: this one stands for never.
NEVER = 253_402_300_799
# What clients may upload; the others are made by the platform.
UPLOADABLE = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
CONTRACT_PURPOSES = ("assistants", "batch")


class ExpiresAfterSerializer(serializers.Serializer[Any]):
    anchor = serializers.ChoiceField(choices=("created_at",))
    seconds = serializers.IntegerField(min_value=MIN_SECONDS, max_value=MAX_SECONDS)


class UploadFileSerializer(serializers.Serializer[Any]):
    file = serializers.FileField(allow_empty_file=True)
    purpose = serializers.ChoiceField(choices=UPLOADABLE)
    expires_after = ExpiresAfterSerializer(required=False)


class ContractUploadFileSerializer(UploadFileSerializer):
    purpose = serializers.ChoiceField(choices=CONTRACT_PURPOSES)


class FileQuerySerializer(CursorSerializer):
    limit = serializers.IntegerField(min_value=1, max_value=MAX_PAGE, default=MAX_PAGE)
    purpose = serializers.ChoiceField(choices=Purpose.choices, required=False)


class ContractFileQuerySerializer(FileQuerySerializer):
    purpose = serializers.ChoiceField(choices=CONTRACT_PURPOSES, required=False)


class FileSerializer(serializers.Serializer[Any]):
    """`object` is always `file`; times are UNIX seconds."""

    id = serializers.CharField()
    object = serializers.CharField()
    bytes = serializers.IntegerField()
    created_at = serializers.IntegerField()
    expires_at = serializers.IntegerField(allow_null=True)
    filename = serializers.CharField()
    purpose = serializers.CharField()
    status = serializers.CharField(required=False)


class FileListSerializer(serializers.Serializer[Any]):
    object = serializers.CharField()
    data = FileSerializer(many=True)  # type: ignore[assignment]
    first_id = serializers.CharField()
    last_id = serializers.CharField()
    has_more = serializers.BooleanField()


class DeletedFileSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    object = serializers.CharField()
    deleted = serializers.BooleanField()


def file_body(file: File, dialect: Dialect) -> dict[str, Any]:
    body = {
        "id": file.public_id,
        "object": "file",
        "bytes": file.size,
        "created_at": int(file.created_at.timestamp()),
        "expires_at": None if file.expires_at is None else int(file.expires_at.timestamp()),
        "filename": file.name,
        "purpose": file.purpose,
    }
    if dialect is Dialect.OPENAI:
        return body | {"status": "processed", "status_details": None}
    # It knows two purposes; what else there is can be used as an assistant's file.
    known = file.purpose if file.purpose in CONTRACT_PURPOSES else CONTRACT_PURPOSES[0]
    return body | {"purpose": known, "expires_at": body["expires_at"] or NEVER}


def form_of(data: Any) -> dict[str, Any]:
    """A form's `expires_after[seconds]=…`, as clients write objects into forms, or its JSON."""
    form: dict[str, Any] = {name: data.get(name) for name in data}
    prefix = "expires_after["
    parts = {name[len(prefix) : -1]: form.pop(name) for name in list(form) if name.startswith(prefix)}
    if parts:
        form["expires_after"] = parts
    elif isinstance(given := form.get("expires_after"), str):
        form["expires_after"] = _json(given)
    return form


def expiry(expires_after: dict[str, Any] | None) -> Any:
    return None if expires_after is None else timezone.now() + timedelta(seconds=expires_after["seconds"])


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
