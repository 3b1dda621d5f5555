"""Hosts in words of the API. Times are UNIX seconds, sizes bytes."""

from typing import Any

from rest_framework import serializers

from embassy.engines.models import Engine
from embassy.engines.states import EngineStatus
from embassy.platform.serializer_fields import UnixTimeField
from embassy.training.models import TrainingJob


class GpuSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    name = serializers.CharField()
    memory_bytes = serializers.IntegerField()
    memory_used_bytes = serializers.IntegerField()
    memory_free_bytes = serializers.IntegerField()


class HostEngineSerializer(serializers.ModelSerializer[Engine]):
    id = serializers.CharField(source="public_id")
    status = serializers.ChoiceField(EngineStatus.choices)
    memory_bytes = serializers.IntegerField(source="need_bytes", allow_null=True)
    gpus = serializers.ListField(child=serializers.IntegerField(), help_text="Indices of those that it has.")

    class Meta:
        model = Engine
        fields = ("id", "name", "status", "base_model", "task_type", "memory_bytes", "gpus")


class HostJobSerializer(serializers.ModelSerializer[TrainingJob]):
    id = serializers.CharField(source="public_id")
    project_id = serializers.CharField(source="project.public_id")

    class Meta:
        model = TrainingJob
        fields = ("id", "name", "project_id")


class HostSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    status = serializers.ChoiceField(["alive", "lost"], help_text="Lost: its worker was not heard of lately.")
    seen_at = UnixTimeField()
    memory_bytes = serializers.IntegerField(help_text="What engines may take in all, where there is no GPU.")
    memory_used_bytes = serializers.IntegerField(help_text="What its engines were reckoned to need.")
    memory_free_bytes = serializers.IntegerField()
    slots = serializers.IntegerField(help_text="How many engines it runs at once.")
    slots_used = serializers.IntegerField()
    gpus = GpuSerializer(many=True)
    engines = HostEngineSerializer(many=True)
    other_engines = serializers.IntegerField(help_text="Engines that you may not see.")
    training_jobs = HostJobSerializer(many=True, help_text="Running there now.")
    other_training_jobs = serializers.IntegerField(help_text="Training jobs that you may not see.")
