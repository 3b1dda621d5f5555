"""Training jobs and what came of them, for staff: with their leases, to see who works on what."""

from django.contrib import admin

from embassy.platform.staff import StaffAdmin
from embassy.training.models import Checkpoint, Merge, TrainingJob, TrainingUsage


@admin.register(TrainingJob)
class TrainingJobAdmin(StaffAdmin):
    list_display = (
        "name",
        "public_id",
        "project",
        "status",
        "progress",
        "technique",
        "task_type",
        "base_model",
        "lease_owner",
        "lease_until",
        "created_at",
    )
    list_filter = ("status", "technique", "task_type", "created_at")
    list_select_related = ("project",)
    search_fields = ("name", "=public_id", "=project__public_id", "=base_model")


@admin.register(Checkpoint)
class CheckpointAdmin(StaffAdmin):
    list_display = ("public_id", "job", "number", "step", "size_bytes", "best", "created_at")
    list_filter = ("best", "merged")
    list_select_related = ("job",)
    search_fields = ("=public_id", "=job__public_id")


@admin.register(Merge)
class MergeAdmin(StaffAdmin):
    list_display = ("public_id", "checkpoint", "status", "lease_owner", "lease_until", "created_at")
    list_filter = ("status",)
    list_select_related = ("checkpoint",)
    search_fields = ("=public_id", "=checkpoint__job__public_id")


@admin.register(TrainingUsage)
class TrainingUsageAdmin(StaffAdmin):
    list_display = ("hour", "organization_pk", "project_pk", "job_pk", "user_pk", "attempt", "seconds")
    list_filter = ("hour",)
    search_fields = ("=organization_pk", "=project_pk", "=job_pk")
