"""Usage for staff. What was asked and answered is the customers' own, and not shown here."""

from django.contrib import admin

from embassy.inference.models import Usage
from embassy.platform.staff import StaffAdmin


@admin.register(Usage)
class UsageAdmin(StaffAdmin):
    list_display = (
        "hour",
        "organization_pk",
        "project_pk",
        "model",
        "key_pk",
        "requests",
        "prompt_tokens",
        "completion_tokens",
        "errors",
        "engine_milliseconds",
    )
    list_filter = ("hour",)
    search_fields = ("=organization_pk", "=project_pk", "=model")
