"""Moves of statuses, for staff: what happened to an object, in order."""

from django.contrib import admin

from embassy.platform.models import Event
from embassy.platform.staff import StaffAdmin


@admin.register(Event)
class EventAdmin(StaffAdmin):
    list_display = ("created_at", "kind", "subject", "source", "target", "reason")
    list_filter = ("kind", "created_at")
    search_fields = ("=subject",)
