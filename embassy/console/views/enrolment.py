"""Getting an account: the first one of the platform, by oneself, by an invitation."""

from typing import Any

from allauth.account.utils import perform_login
from django.conf import settings
from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.generic import FormView

from embassy.console import attempts, mail
from embassy.console.account_forms import AccountForm, AddressForm, OrganizationForm, PasswordForm
from embassy.console.actor import CHOICE
from embassy.platform.errors import EmbassyError, TooManyRequests
from embassy.projects import enrolment, invitations
from embassy.projects.models import Invitation, User


class Enrol(FormView[Form]):
    """A form outside of the console. What a service refuses is shown above the fields."""

    title: str
    verb: str

    template_name = "console/enrol.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return self.enter() or super().dispatch(request, *args, **kwargs)
        except EmbassyError as error:
            return render(request, "console/closed.html", {"error": error}, status=error.status)

    def enter(self) -> HttpResponseBase | None:
        """Before anything else; another answer than the form's, or EmbassyError."""
        return None

    def act(self, values: dict[str, Any]) -> HttpResponse:
        """With what the form has found right. Raises EmbassyError."""
        raise NotImplementedError

    def form_valid(self, form: Form) -> HttpResponse:
        try:
            return self.act(form.cleaned_data)
        except EmbassyError as error:
            form.add_error(None, error.message)
            return self.refused(form, error.status)

    def form_invalid(self, form: Form) -> HttpResponse:
        return self.refused(form, 422)

    def refused(self, form: Form, status: int) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=status)

    def sign_in(self, user: User) -> HttpResponse:
        answer: HttpResponse = perform_login(
            self.request, user, email_verification="none", redirect_url=reverse("console:projects")
        )
        return answer


class SetUp(Enrol):
    """The first user. The link's token keeps out whoever merely finds the platform first."""

    form_class = AccountForm
    title, verb = "Set up Embassy", "Make the first account"
    extra_context = {"lead": "You become the owner of the first organization, and run the platform."}  # noqa: RUF012

    def enter(self) -> HttpResponseBase | None:
        if enrolment.is_set_up():
            return redirect("console:sign-in")
        if not enrolment.is_set_up_token(self.request.GET.get("token", "")):
            return render(self.request, "console/set_up_link.html", status=403)
        return None

    def act(self, values: dict[str, Any]) -> HttpResponse:
        user = enrolment.set_up(
            token=self.request.GET.get("token", ""),
            email=values["email"],
            password=values["password"],
            organization_name=values["organization"],
        )
        (settings.HOME / "set-up-link").unlink(missing_ok=True)
        return self.sign_in(user)


class SignUp(Enrol):
    """By oneself. Where mails are sent, the address is proven before there is an account."""

    title, verb = "Sign up", "Sign up"

    def enter(self) -> HttpResponseBase | None:
        if not settings.SIGN_UP:
            return render(self.request, "console/no_sign_up.html", status=403)
        if self.request.user.is_authenticated or not enrolment.is_set_up():
            return redirect("console:projects")
        return None

    def get_form_class(self) -> type[Form]:
        return AddressForm if settings.MAIL_IS_SENT else AccountForm

    def act(self, values: dict[str, Any]) -> HttpResponse:
        _slow_down(self.request)
        email = values["email"]
        if settings.MAIL_IS_SENT:
            return self.mailed(email)
        user = enrolment.sign_up(
            email=email,
            password=values["password"],
            organization_name=values["organization"],
            is_verified=False,
        )
        return self.sign_in(user)

    def mailed(self, email: str) -> HttpResponse:
        """The same answer whether or not there is an account."""
        known = enrolment.has_account(email)
        token = enrolment.mailed_token(email)
        link = mail.link_to("console:sign-in") if known else mail.link_to("console:sign-up-mailed", token)
        mail.send(email, "Your account on Embassy", "sign_up", link=link, has_account=known)
        return render(self.request, "console/mail_sent.html", {"email": email})


class SignUpMailed(Enrol):
    """The link of the mail that SignUp sends."""

    form_class = OrganizationForm
    title, verb = "Your account", "Make the account"

    def enter(self) -> HttpResponseBase | None:
        self.extra_context = {"lead": f"For {enrolment.address_in(self.kwargs['token'])}."}
        return None

    def act(self, values: dict[str, Any]) -> HttpResponse:
        user = enrolment.sign_up(
            email=enrolment.address_in(self.kwargs["token"]),
            password=values["password"],
            organization_name=values["organization"],
            is_verified=True,
        )
        return self.sign_in(user)


class AcceptInvitation(Enrol):
    """For who has an account: one button, once signed in. For who has none: a password, and there it is."""

    template_name = "console/invitation.html"
    form_class = PasswordForm
    title, verb = "You are invited", "Join"
    invitation: Invitation

    def enter(self) -> HttpResponseBase | None:
        self.invitation = invitations.with_token(self.kwargs["token"])
        if self.request.method == "POST" and self.request.user.is_authenticated:
            return self.joined(self.request.user)
        return None

    def joined(self, user: User) -> HttpResponse:
        member = invitations.accept(invitation=self.invitation, user=user)
        self.request.session[CHOICE] = self.invitation.organization.public_id
        messages.success(
            self.request, f"You belong to {self.invitation.organization.name} now, as {member.role}."
        )
        return redirect("console:projects")

    def act(self, values: dict[str, Any]) -> HttpResponse:
        # Only a link that was mailed, and shown to nobody else, proves the address.
        user = enrolment.join(
            invitation=self.invitation,
            password=values["password"],
            is_verified=settings.MAIL_IS_SENT,
        )
        return self.sign_in(user)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shown = {
            "invitation": self.invitation,
            "has_account": enrolment.has_account(self.invitation.email),
            "is_theirs": self.request.user.is_authenticated
            and self.request.user.email == self.invitation.email,
        }
        return super().get_context_data(**kwargs) | shown


def _slow_down(request: HttpRequest) -> None:
    """Raises TooManyRequests: nobody makes accounts, or has mails sent, by the thousand."""
    place = str(request.META.get("REMOTE_ADDR", ""))
    if attempts.is_blocked("sign-up", place, anywhere=1000):
        raise TooManyRequests("Too many sign-ups from here. Try again in 15 minutes.")
    attempts.record_failure("sign-up", place)
