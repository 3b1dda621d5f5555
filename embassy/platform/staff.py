"""The staff admin at /admin/: whoever runs the platform looks into its rows, and changes next to nothing.

Each app's admin.py says how its models are shown. No row has its status changed here: that is done by the
services, through the one function that moves it.
"""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator
from unfold.sites import UnfoldAdminSite


class StaffAdmin(ModelAdmin):  # type: ignore[misc]
    """Rows to look at. What is looked up in `list_display` belongs into `list_select_related`."""

    list_per_page = 50
    # Counting a million rows takes longer than to show fifty of them.
    show_full_result_count = False
    paginator = InfinitePaginator
    ordering: ClassVar = ["-pk"]
    actions: ClassVar[list[Any]] = []

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_staff(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_staff(request)

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class StaffSite(UnfoldAdminSite):  # type: ignore[misc]
    """Has the console's sign-in, second factor included, and only the models that are made for it."""

    enable_nav_sidebar = True

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Libraries register theirs too, secrets and all: those are left out."""
        if admin_class is not None and issubclass(admin_class, StaffAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        return is_staff(request)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.user.is_authenticated and not is_staff(request):
            raise PermissionDenied("This part is for the staff who run the platform.")
        wanted = request.GET.get("next") or resolve_url("admin:index")
        return redirect_to_login(wanted, resolve_url(settings.LOGIN_URL))

    def logout(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """By the console's button: signing out changes something, and takes a form."""
        return redirect("console:projects")


def is_staff(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_staff)
