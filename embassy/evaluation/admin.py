"""Test functions for staff."""

from django.contrib import admin

from embassy.evaluation.models import TestFunction
from embassy.platform.staff import StaffAdmin


@admin.register(TestFunction)
class TestFunctionAdmin(StaffAdmin):
    list_display = ("name", "organization", "created_by", "created_at", "updated_at")
    list_select_related = ("organization", "created_by")
    search_fields = ("name", "organization__name")
