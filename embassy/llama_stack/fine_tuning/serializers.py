"""What clients send, and the document's words for what they get."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from embassy.llama_stack.fine_tuning.requests import AUTO, FineTuningRequest
from embassy.llama_stack.openai.metadata import check_metadata
from embassy.platform.errors import InvalidInput

MAX_SUFFIX = 64
MAX_EPOCHS, MAX_BATCH = 50, 256


@extend_schema_field({"oneOf": [{"type": "string", "enum": [AUTO]}, {"type": "number"}]})
class AutoOr(serializers.Field[Any, Any, Any, Any]):
    """`auto`, or a number within bounds."""

    def __init__(self, child: serializers.Field[Any, Any, Any, Any], **options: Any) -> None:
        super().__init__(**options)
        self.child = child

    def to_internal_value(self, data: Any) -> Any:
        return AUTO if data == AUTO else self.child.run_validation(data)

    def to_representation(self, value: Any) -> Any:
        return value


class HyperparametersSerializer(serializers.Serializer[Any]):
    n_epochs = AutoOr(serializers.IntegerField(min_value=1, max_value=MAX_EPOCHS), required=False)
    batch_size = AutoOr(serializers.IntegerField(min_value=1, max_value=MAX_BATCH), required=False)
    learning_rate_multiplier = AutoOr(serializers.FloatField(min_value=0.001, max_value=1000), required=False)
    beta = AutoOr(serializers.FloatField(min_value=0.001, max_value=10), required=False)


class MethodDetailSerializer(serializers.Serializer[Any]):
    hyperparameters = HyperparametersSerializer(required=False)


class MethodSerializer(serializers.Serializer[Any]):
    type = serializers.CharField(help_text="supervised or dpo.")
    supervised = MethodDetailSerializer(required=False)
    dpo = MethodDetailSerializer(required=False)


class CreateJobSerializer(serializers.Serializer[Any]):
    model = serializers.CharField(
        max_length=200, help_text="A base model, or a fine-tuned one to go on from."
    )
    training_file = serializers.CharField(max_length=40)
    validation_file = serializers.CharField(max_length=40, required=False, allow_null=True)
    suffix = serializers.CharField(max_length=MAX_SUFFIX, required=False, allow_null=True)
    method = MethodSerializer(required=False)
    hyperparameters = HyperparametersSerializer(required=False, help_text="As `method.supervised` has them.")
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False, allow_null=True)
    metadata = serializers.DictField(child=serializers.CharField(), required=False, allow_null=True)
    integrations = serializers.ListField(
        child=serializers.JSONField(), required=False, allow_null=True, help_text="None are offered."
    )

    def request_for(self, project: str | None) -> FineTuningRequest:
        """What was asked for; call after is_valid(). Raises InvalidInput."""
        given = dict(self.validated_data)
        if given.get("integrations"):
            raise InvalidInput(
                "integrations: none are offered. Leave it out.", details={"field": "integrations"}
            )
        older = given.get("hyperparameters")
        method = given.get("method") or {"type": "supervised", "supervised": {"hyperparameters": older or {}}}
        metadata = given.get("metadata") or {}
        check_metadata(metadata)
        return FineTuningRequest(
            model=given["model"],
            training_file=given["training_file"],
            validation_file=given.get("validation_file"),
            suffix=given.get("suffix") or "",
            method=method,
            seed=given.get("seed"),
            metadata=metadata,
            project=project,
        )


class JobSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    object = serializers.CharField()
    created_at = serializers.IntegerField()
    finished_at = serializers.IntegerField(allow_null=True)
    status = serializers.CharField(help_text="queued, running, paused, succeeded, failed or cancelled.")
    model = serializers.CharField()
    fine_tuned_model = serializers.CharField(allow_null=True)
    training_file = serializers.CharField()
    validation_file = serializers.CharField(allow_null=True)
    trained_tokens = serializers.IntegerField(allow_null=True)
    estimated_finish = serializers.IntegerField(allow_null=True)
    method = serializers.JSONField()
    hyperparameters = serializers.JSONField()
    error = serializers.JSONField(allow_null=True)
    metadata = serializers.DictField(child=serializers.CharField())


class PageQuerySerializer(serializers.Serializer[Any]):
    after = serializers.CharField(required=False)
    limit = serializers.IntegerField(min_value=1, max_value=100, default=20)


class JobListSerializer(serializers.Serializer[Any]):
    object = serializers.CharField()
    data = JobSerializer(many=True)  # type: ignore[assignment] # the name that clients expect
    has_more = serializers.BooleanField()


class FineTuningEventSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    object = serializers.CharField()
    created_at = serializers.IntegerField()
    level = serializers.CharField(help_text="info, warn or error.")
    message = serializers.CharField()
    type = serializers.CharField(help_text="message or metrics.")
    data = serializers.JSONField()  # type: ignore[assignment] # the name that clients expect


class FineTuningEventListSerializer(serializers.Serializer[Any]):
    object = serializers.CharField()
    data = FineTuningEventSerializer(many=True)  # type: ignore[assignment] # the name that clients expect
    has_more = serializers.BooleanField()


class FineTuningCheckpointSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    object = serializers.CharField()
    created_at = serializers.IntegerField()
    fine_tuned_model_checkpoint = serializers.CharField()
    fine_tuning_job_id = serializers.CharField()
    step_number = serializers.IntegerField()
    metrics = serializers.JSONField()


class FineTuningCheckpointListSerializer(serializers.Serializer[Any]):
    object = serializers.CharField()
    data = FineTuningCheckpointSerializer(many=True)  # type: ignore[assignment] # the name that clients expect
    first_id = serializers.CharField(allow_null=True)
    last_id = serializers.CharField(allow_null=True)
    has_more = serializers.BooleanField()
