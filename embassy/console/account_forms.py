"""What people fill in to get an account or a new password."""

from typing import Any

from django import forms
from django.contrib.auth import password_validation

from embassy.projects.enrolment import MAX_NAME


class NewPassword(forms.CharField):
    """One that the validators of the settings let pass."""

    def __init__(self) -> None:
        widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
        super().__init__(
            label="Password", strip=False, widget=widget, help_text="At least 10 characters, no common one."
        )

    def validate(self, value: Any) -> None:
        super().validate(value)
        password_validation.validate_password(value)


def email_field() -> forms.EmailField:
    return forms.EmailField(
        label="E-mail address", widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )


def organization_field() -> forms.CharField:
    return forms.CharField(
        label="Organization", max_length=MAX_NAME, help_text="Your company or team: projects belong to it."
    )


class AddressForm(forms.Form):
    email = email_field()


class PasswordForm(forms.Form):
    password = NewPassword()


class OrganizationForm(forms.Form):
    """Where the address is known already."""

    organization = organization_field()
    password = NewPassword()


class AccountForm(forms.Form):
    email = email_field()
    organization = organization_field()
    password = NewPassword()
