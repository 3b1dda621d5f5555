from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class PlatformConfig(AppConfig):
    name = "embassy.platform"
    label = "platform"


class StaffConfig(AdminConfig):
    """Of the admin at /admin/: see staff.py."""

    default_site = "embassy.platform.staff.StaffSite"
