"""People, organizations and what they did, for staff. Digests and passwords are never shown."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from embassy.platform import notify
from embassy.platform.staff import StaffAdmin
from embassy.projects.models import (
    ApiKey,
    AuditEvent,
    Invitation,
    Membership,
    Organization,
    Project,
    ProjectMembership,
    User,
)


@admin.register(User)
class UserAdmin(StaffAdmin):
    """Superusers may shut somebody out, and make somebody staff."""

    list_display = (
        "email",
        "public_id",
        "is_active",
        "is_staff",
        "is_superuser",
        "last_login",
        "date_joined",
    )
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "=public_id")
    exclude = ("password", "groups", "user_permissions")
    MAY_CHANGE: ClassVar = ("is_active", "is_staff")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fixed = [f.name for f in User._meta.fields if f.name not in (*self.MAY_CHANGE, *self.exclude)]
        # Nobody locks themselves out.
        return (*fixed, *self.MAY_CHANGE) if obj == request.user else tuple(fixed)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        notify.nudge(notify.ROUTES)  # keys of somebody who was shut out are refused at once


@admin.register(Organization)
class OrganizationAdmin(StaffAdmin):
    list_display = ("name", "public_id", "created_at")
    search_fields = ("name", "=public_id")


@admin.register(Membership)
class MembershipAdmin(StaffAdmin):
    list_display = ("user", "organization", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "organization")
    search_fields = ("user__email", "organization__name")


@admin.register(ProjectMembership)
class ProjectMembershipAdmin(StaffAdmin):
    list_display = ("user", "project", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "project")
    search_fields = ("user__email", "project__name")


@admin.register(Invitation)
class InvitationAdmin(StaffAdmin):
    list_display = ("email", "organization", "role", "invited_by", "expires_at", "accepted_at", "revoked_at")
    list_filter = ("role",)
    list_select_related = ("organization", "invited_by")
    search_fields = ("email", "organization__name")
    exclude = ("digest",)


@admin.register(Project)
class ProjectAdmin(StaffAdmin):
    list_display = ("name", "public_id", "organization", "created_by", "created_at", "deleted_at")
    list_filter = (("deleted_at", admin.EmptyFieldListFilter),)
    list_select_related = ("organization", "created_by")
    search_fields = ("name", "=public_id", "organization__name")


@admin.register(ApiKey)
class ApiKeyAdmin(StaffAdmin):
    list_display = ("name", "prefix", "organization", "user", "last_used_at", "expires_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("organization", "user")
    search_fields = ("name", "=prefix", "user__email", "organization__name")
    exclude = ("digest",)


@admin.register(AuditEvent)
class AuditEventAdmin(StaffAdmin):
    list_display = ("created_at", "organization", "user", "key_prefix", "verb", "subject")
    list_filter = ("created_at",)
    list_select_related = ("organization", "user")
    search_fields = ("=subject", "=verb", "=user__email")
