"""Deployments and engines in the Emissary family's words. Times are UNIX seconds."""

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers

from embassy.datasets.serializers import DatasetSummarySerializer
from embassy.deployments.models import Deployment
from embassy.deployments.schedule import WEEKDAYS
from embassy.deployments.services import MAX_LOG_DAYS, DeploymentRequest
from embassy.deployments.states import LIVE, DeploymentStatus
from embassy.deployments.wake_serializers import LastWakeSerializer
from embassy.deployments.wake_times import last_wake
from embassy.engines.models import Engine
from embassy.engines.queue import position_of
from embassy.engines.states import EngineStatus
from embassy.platform.serializer_fields import UnixTimeField
from embassy.training.serializers import TrainingJobSummarySerializer

CLASSIFIES = "classification"
QUEUE_POSITION = serializers.IntegerField(
    allow_null=True, help_text="Of the engine, from 1, while no host has room for it; `reason` says more."
)


class ScheduleSerializer(serializers.Serializer[Any]):
    """The contract requires none of these; `schedule.parse_window` says what is missing."""

    timezone = serializers.CharField(default="UTC", max_length=64, help_text="IANA time zone.")
    start_time = serializers.CharField(required=False, max_length=5, help_text="HH:MM")
    end_time = serializers.CharField(
        required=False, max_length=5, help_text="HH:MM; not later than the start: on the next day."
    )
    days = serializers.ListField(
        child=serializers.ChoiceField(WEEKDAYS), default=list(WEEKDAYS), max_length=7
    )


class IdleConfigSerializer(serializers.Serializer[Any]):
    inactive_duration = serializers.IntegerField(required=False, help_text="Seconds without requests.")


class InactiveTimeoutSerializer(serializers.Serializer[Any]):
    management_type = serializers.ChoiceField(["inactive_timeout"], required=False)
    management_config = IdleConfigSerializer(required=False)


class EngineScheduleSerializer(serializers.Serializer[Any]):
    management_type = serializers.ChoiceField(["schedule"], required=False)
    management_config = ScheduleSerializer(required=False)


MANAGEMENT = {"inactive_timeout": InactiveTimeoutSerializer, "schedule": EngineScheduleSerializer}
MANAGEMENT_SCHEMA = PolymorphicProxySerializer(
    component_name="ResourceManagement",
    serializers=list(MANAGEMENT.values()),
    resource_type_field_name=None,
)


@extend_schema_field(MANAGEMENT_SCHEMA)
class ManagementField(serializers.Field[Any, Any, Any, Any]):
    """One of the two forms, told apart by `management_type`."""

    def to_internal_value(self, data: Any) -> Any:
        kind = data.get("management_type") if isinstance(data, dict) else None
        if kind not in MANAGEMENT:
            raise serializers.ValidationError(f"management_type must be one of {', '.join(MANAGEMENT)}.")
        form = MANAGEMENT[kind](data=data)
        form.is_valid(raise_exception=True)
        return {
            "management_type": kind,
            "management_config": form.validated_data.get("management_config", {}),
        }

    def to_representation(self, value: Any) -> Any:
        return value


class RetentionField(serializers.IntegerField):
    def __init__(self, **options: Any) -> None:
        super().__init__(
            min_value=1, max_value=MAX_LOG_DAYS, help_text="Days for which request logs are kept.", **options
        )


class UpdateDeploymentSerializer(serializers.Serializer[Any]):
    """What may change while it is deployed. What is not given stays."""

    name = serializers.CharField(required=False, max_length=120)
    description = serializers.CharField(required=False, allow_blank=True, max_length=4000)
    inactive_timeout = serializers.IntegerField(
        required=False, help_text="Seconds without requests before it goes to sleep."
    )
    schedule = ScheduleSerializer(required=False, allow_null=True, help_text="Null: none any more.")
    log_requests = serializers.BooleanField(required=False, help_text="Keep what goes in and out.")
    log_retention_days = RetentionField(required=False)

    def changes(self) -> dict[str, Any]:
        """Those that are not about logs; call after is_valid()."""
        named = ("name", "description", "inactive_timeout", "schedule")
        return {name: self.validated_data[name] for name in named if name in self.validated_data}


class CreateDeploymentSerializer(serializers.Serializer[Any]):
    training_job_id = serializers.CharField(
        max_length=200, help_text="Of a training job; or, with checkpoint 0, the name of a base model."
    )
    checkpoint = serializers.IntegerField(min_value=0, help_text="0 for a base model.")
    name = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=120)
    description = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=4000)
    inactive_timeout = serializers.IntegerField(
        required=False, allow_null=True, help_text="Seconds without requests before it goes to sleep."
    )
    schedule = ScheduleSerializer(required=False, allow_null=True)
    force = serializers.BooleanField(
        default=False, help_text="Deploy it although its parity check failed (code parity_failed)."
    )

    log_requests = serializers.BooleanField(default=False, help_text="Keep what goes in and out.")
    log_retention_days = RetentionField(required=False, allow_null=True)

    def request(self) -> DeploymentRequest:
        """What was asked for; call after is_valid()."""
        values = self.validated_data
        return DeploymentRequest(
            reference=values["training_job_id"],
            checkpoint=values["checkpoint"],
            name=values.get("name"),
            description=values.get("description") or "",
            inactive_timeout=values.get("inactive_timeout"),
            schedule=values.get("schedule"),
            force=values["force"],
            log_requests=values["log_requests"],
            log_days=values.get("log_retention_days"),
        )


class DeploymentSummarySerializer(serializers.ModelSerializer[Deployment]):
    id = serializers.CharField(source="public_id")
    status = serializers.ChoiceField(DeploymentStatus.choices)
    reason = serializers.CharField(help_text="Why it is not Deployed; empty if it is.")
    created_at = UnixTimeField()

    class Meta:
        model = Deployment
        fields: tuple[str, ...] = ("id", "name", "status", "reason", "created_at")


class DeploymentQuerySerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(DeploymentStatus.choices, required=False)
    base_model = serializers.CharField(required=False)
    task_type = serializers.CharField(required=False)
    name = serializers.CharField(required=False)
    training_id = serializers.CharField(
        required=False, source="training_job__public_id", help_text="Id of a training job."
    )


class ClassificationMetadataSerializer(serializers.Serializer[Any]):
    labels = serializers.ListField(child=serializers.CharField())


class DeploymentDetailSerializer(DeploymentSummarySerializer):
    metadata = serializers.SerializerMethodField()
    training_id = serializers.SerializerMethodField()
    engine_id = serializers.SerializerMethodField(
        help_text="Of the organization's own engine that it is on; null on a shared one."
    )
    last_used_at = UnixTimeField(allow_null=True)
    last_wake = serializers.SerializerMethodField()
    queue_position = serializers.SerializerMethodField()
    updated_at = UnixTimeField()
    log_retention_days = serializers.IntegerField(source="log_days")

    class Meta(DeploymentSummarySerializer.Meta):
        fields = (
            *DeploymentSummarySerializer.Meta.fields,
            "task_type",
            "metadata",
            "description",
            "base_model",
            "training_id",
            "checkpoint",
            "engine_id",
            "inactive_timeout",
            "schedule",
            "last_used_at",
            "last_wake",
            "queue_position",
            "updated_at",
            "log_requests",
            "log_retention_days",
        )

    @extend_schema_field(ClassificationMetadataSerializer)
    def get_metadata(self, deployment: Deployment) -> dict[str, Any]:
        return {"labels": list(deployment.metadata.get("labels") or [])}

    @extend_schema_field(LastWakeSerializer(allow_null=True))
    def get_last_wake(self, deployment: Deployment) -> Any:
        wake = last_wake(deployment)
        return LastWakeSerializer(wake).data if wake is not None else None

    @extend_schema_field(QUEUE_POSITION)
    def get_queue_position(self, deployment: Deployment) -> int | None:
        return position_of(deployment.engine) if deployment.status in LIVE else None

    def to_representation(self, instance: Deployment) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if instance.task_type != CLASSIFIES:  # the other tasks have no metadata
            del shown["metadata"]
        return shown

    def get_training_id(self, deployment: Deployment) -> str:
        """Of a base model's deployment, the name that it was made with."""
        return deployment.training_job.public_id if deployment.training_job else deployment.base_model

    def get_engine_id(self, deployment: Deployment) -> str | None:
        return None if deployment.engine.automatic else deployment.engine.public_id


class ProjectDetailSerializer(serializers.Serializer[Any]):
    """Give it a dictionary with these very names."""

    id = serializers.CharField()
    name = serializers.CharField()
    datasets = DatasetSummarySerializer(many=True)
    training_jobs = TrainingJobSummarySerializer(many=True)
    deployments = DeploymentSummarySerializer(many=True)


class CreateEngineSerializer(serializers.Serializer[Any]):
    base_model = serializers.CharField(max_length=200)
    name = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=120)
    task_type = serializers.CharField(required=False, allow_null=True, max_length=32)
    resource_management_config = ManagementField(required=False, allow_null=True)


class UpdateEngineSerializer(serializers.Serializer[Any]):
    """What is not given stays."""

    name = serializers.CharField(required=False, max_length=120)
    resource_management_config = ManagementField(required=False)


class EngineQuerySerializer(serializers.Serializer[Any]):
    base_model = serializers.CharField(required=False)
    task_type = serializers.CharField(required=False)
    status = serializers.ChoiceField(EngineStatus.choices, required=False)
    name = serializers.CharField(required=False)


class EngineFields(serializers.ModelSerializer[Engine]):
    """What the summary and the detail share."""

    id = serializers.CharField(source="public_id")
    status = serializers.ChoiceField(EngineStatus.choices)
    reason = serializers.CharField(help_text="Why it is not Active; empty if it is.")
    server_type = serializers.SerializerMethodField()
    created_at = UnixTimeField()

    class Meta:
        model = Engine
        fields: tuple[str, ...] = (
            "id",
            "name",
            "status",
            "reason",
            "base_model",
            "server_type",
            "task_type",
            "created_at",
        )

    def get_server_type(self, engine: Engine) -> str:
        return "on-demand"


class EngineSummarySerializer(EngineFields):
    deployment_counts = serializers.IntegerField()

    class Meta(EngineFields.Meta):
        fields = (*EngineFields.Meta.fields, "deployment_counts")


class EngineDetailSerializer(EngineFields):
    deployments = serializers.SerializerMethodField()
    base_model_option = serializers.SerializerMethodField()
    queue_position = serializers.SerializerMethodField()
    last_access_timestamp = UnixTimeField(source="last_access_at", allow_null=True)
    resource_management_config = ManagementField(source="resource_management", read_only=True)

    class Meta(EngineFields.Meta):
        fields = (
            *EngineFields.Meta.fields,
            "deployments",
            "base_model_option",
            "last_access_timestamp",
            "queue_position",
            "resource_management_config",
        )

    @extend_schema_field(DeploymentSummarySerializer(many=True))
    def get_deployments(self, engine: Engine) -> Any:
        return DeploymentSummarySerializer(self.context["deployments"], many=True).data

    @extend_schema_field(QUEUE_POSITION)
    def get_queue_position(self, engine: Engine) -> int | None:
        return position_of(engine)

    def get_base_model_option(self, engine: Engine) -> str:
        return "pre-trained"


class DeployOnEngineSerializer(serializers.Serializer[Any]):
    project_id = serializers.CharField(max_length=40)
    training_id = serializers.CharField(max_length=200)
    checkpoint = serializers.IntegerField(min_value=0)
    name = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=120)
    description = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=4000)
    force = serializers.BooleanField(
        default=False, help_text="Deploy it although its parity check failed (code parity_failed)."
    )

    def request(self) -> DeploymentRequest:
        """What was asked for; call after is_valid()."""
        values = self.validated_data
        return DeploymentRequest(
            reference=values["training_id"],
            checkpoint=values["checkpoint"],
            name=values.get("name"),
            description=values.get("description") or "",
            force=values["force"],
        )


class UndeploySerializer(serializers.Serializer[Any]):
    deployment_name = serializers.CharField(max_length=120, help_text="Its name or id.")
