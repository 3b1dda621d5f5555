"""Deployments and their wakes, for staff."""

from django.contrib import admin

from embassy.deployments.models import Deployment, Wake
from embassy.platform.staff import StaffAdmin


@admin.register(Deployment)
class DeploymentAdmin(StaffAdmin):
    list_display = (
        "name",
        "public_id",
        "organization",
        "project",
        "status",
        "engine",
        "base_model",
        "last_used_at",
        "created_at",
    )
    list_filter = ("status", "task_type", "created_at")
    list_select_related = ("organization", "project", "engine")
    search_fields = ("name", "=public_id", "=project__public_id", "organization__name")


@admin.register(Wake)
class WakeAdmin(StaffAdmin):
    list_display = ("asked_at", "model", "deployment", "cause", "outcome", "seconds", "reason")
    list_filter = ("outcome", "cause", "asked_at")
    list_select_related = ("deployment",)
    search_fields = ("=model", "=deployment__public_id")
