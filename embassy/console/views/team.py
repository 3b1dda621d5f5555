"""Who belongs to the organization: roles, invitations, removal. The services decide who may do what."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from embassy.console import mail
from embassy.console.views.page import Page
from embassy.console.views.password_reset import reset_link
from embassy.platform.errors import EmbassyError, Forbidden
from embassy.projects import audit, invitations, members, people
from embassy.projects.models import Membership, Role

PER_PAGE = 25


class TeamPage(Page):
    scope = "team"
    section = "team"

    def listing(self, *, status: int = 200, **context: Any) -> HttpResponse:
        rows = Paginator(people.members_of(self.actor), PER_PAGE)
        own = self.visitor.membership
        return self.page(
            "console/team.html",
            status=status,
            members=rows.get_page(self.request.GET.get("page")),
            invitations=invitations.open_in(self.actor)[:PER_PAGE] if self.visitor.is_admin else (),
            roles=[role for role in Role.values if role != Role.OWNER or own.role == Role.OWNER],
            is_owner=own.role == Role.OWNER,
            mail_is_sent=settings.MAIL_IS_SENT,
            **context,
        )

    def member(self) -> Membership:
        return people.get_member(self.actor, self.kwargs["user_id"])


class Team(TeamPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        return self.listing()

    def post(self, request: HttpRequest) -> HttpResponse:
        """Invite somebody."""
        email, role = request.POST.get("email", ""), request.POST.get("role", "")
        try:
            invitation, token = invitations.invite(email=email, role=role, actor=self.actor)
        except EmbassyError as error:
            return self.listing(status=error.status, error=error, email=email, role=role)
        link = mail.link_to("console:invitation", token)
        if not settings.MAIL_IS_SENT:
            # In this answer and nowhere else. Who gets it could join in the name of the address.
            return self.listing(status=201, link=link, link_for=invitation.email, link_opens="invitation")
        sent = mail.send(
            invitation.email,
            f"Join {self.visitor.organization.name} on Embassy",
            "invitation",
            link=link,
            inviter=self.visitor.user.email,
            organization=self.visitor.organization.name,
            role=invitation.role,
        )
        if not sent:
            invitations.revoke(invitation=invitation, actor=self.actor)
            failed = EmbassyError(
                "The mail server did not take the invitation. Try again, or look at its log."
            )
            return self.listing(status=502, error=failed, email=email, role=role)
        messages.success(request, f"{invitation.email} has been sent an invitation, good for 7 days.")
        return redirect("console:team")


class RevokeInvitation(TeamPage):
    def post(self, request: HttpRequest, invitation_id: str) -> HttpResponse:
        invitation = invitations.get(self.actor, invitation_id)
        invitations.revoke(invitation=invitation, actor=self.actor)
        messages.success(request, f"The invitation of {invitation.email} has been taken back.")
        return redirect("console:team")


class ChangeRole(TeamPage):
    def post(self, request: HttpRequest, user_id: str) -> HttpResponse:
        member = self.member()
        try:
            members.change_role(member=member, role=request.POST.get("role", ""), actor=self.actor)
        except EmbassyError as error:
            return self.listing(status=error.status, error=error)
        messages.success(request, f"{member.user.email} has another role from now on.")
        return redirect("console:team")


class RemoveMember(TeamPage):
    def post(self, request: HttpRequest, user_id: str) -> HttpResponse:
        member = self.member()
        try:
            members.remove_member(member=member, actor=self.actor)
        except EmbassyError as error:
            return self.listing(status=error.status, error=error)
        messages.success(request, f"{member.user.email} has been removed, and their keys are revoked.")
        return redirect("console:team")


class ResetMember(TeamPage):
    """A link with which a member chooses a new password, for where no mails are sent."""

    def post(self, request: HttpRequest, user_id: str) -> HttpResponse:
        member = self.member()
        if not people.may_reset_password(member=member, by=self.visitor.membership):
            raise Forbidden(
                "You cannot reset this person's password: their account opens more than you decide about."
                " Whoever runs the platform can."
            )
        audit.record(
            "member.reset_link_made", member.user.public_id, actor=self.actor, email=member.user.email
        )
        return self.listing(
            status=201, link=reset_link(member.user), link_for=member.user.email, link_opens="reset"
        )


class Leave(TeamPage):
    needs = "read"  # whatever the role

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            members.leave(member=self.visitor.membership, actor=self.actor)
        except EmbassyError as error:
            return self.listing(status=error.status, error=error)
        messages.success(request, f"You do not belong to {self.visitor.organization.name} any more.")
        return redirect("console:projects")
