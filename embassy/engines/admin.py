"""Engines, their hosts and runs, for staff: what is wanted, what is observed, and who holds the lease."""

from django.contrib import admin

from embassy.engines.models import Adapter, Engine, EngineRun, Host
from embassy.platform.staff import StaffAdmin


@admin.register(Engine)
class EngineAdmin(StaffAdmin):
    list_display = (
        "public_id",
        "name",
        "organization",
        "base_model",
        "kind",
        "wanted",
        "status",
        "host_name",
        "lease_owner",
        "lease_until",
        "failures",
    )
    list_filter = ("status", "wanted", "kind", "automatic")
    list_select_related = ("organization",)
    search_fields = ("name", "=public_id", "=base_model", "=host_name")


@admin.register(Adapter)
class AdapterAdmin(StaffAdmin):
    list_display = ("name", "engine", "rank", "wanted", "loaded_at", "attempts", "error")
    list_filter = ("wanted",)
    list_select_related = ("engine",)
    search_fields = ("name", "=engine__public_id")


@admin.register(Host)
class HostAdmin(StaffAdmin):
    list_display = ("name", "address", "memory_bytes", "slots", "seen_at")
    search_fields = ("name", "address")


@admin.register(EngineRun)
class EngineRunAdmin(StaffAdmin):
    list_display = ("engine", "host", "token", "began_at", "active_at", "ended_at", "reason")
    list_filter = ("began_at",)
    list_select_related = ("engine",)
    search_fields = ("=engine__public_id", "=host")
