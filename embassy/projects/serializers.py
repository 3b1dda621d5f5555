from typing import Any

from rest_framework import serializers

from embassy.projects.models import Project


class ProjectSummarySerializer(serializers.ModelSerializer[Project]):
    id = serializers.CharField(source="public_id")

    class Meta:
        model = Project
        fields = ("id", "name")


class CreateProjectSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(required=False, max_length=120, help_text="The name of the project.")
