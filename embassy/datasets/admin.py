"""Data sets for staff: what they are, not what is in them."""

from django.contrib import admin

from embassy.datasets.models import Dataset, Upload
from embassy.platform.staff import StaffAdmin


@admin.register(Dataset)
class DatasetAdmin(StaffAdmin):
    list_display = ("name", "public_id", "project", "kind", "row_count", "original_bytes", "created_at")
    list_filter = ("kind", "format", "created_at")
    list_select_related = ("project",)
    search_fields = ("name", "=public_id", "=project__public_id")


@admin.register(Upload)
class UploadAdmin(StaffAdmin):
    list_display = ("file_name", "public_id", "project", "status", "size", "created_at", "expires_at")
    list_filter = ("status",)
    list_select_related = ("project",)
    search_fields = ("file_name", "=public_id", "=project__public_id")
