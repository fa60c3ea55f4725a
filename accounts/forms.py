"""Signing in and changing one's password."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password

from accounts.models import User

# Long enough for any password manager; what is longer would only keep the hasher busy.
LONGEST_PASSWORD = 1024


def password_field(label: str, autocomplete: str) -> forms.CharField:
    """A password as typed, blanks and all; browsers and managers are told what it is for."""
    return forms.CharField(
        label=label,
        max_length=LONGEST_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
        error_messages={"max_length": f"Use at most {LONGEST_PASSWORD} characters."},
    )


class SignInForm(forms.Form):
    """Who somebody claims to be; whether it is true is for `actions.sign_in` to say."""

    email = forms.EmailField(
        label="E-mail",
        max_length=255,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = password_field("Password", "current-password")

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        return email.lower()


class PasswordForm(forms.Form):
    """The password somebody has and, twice, the one they want."""

    old = password_field("Current password", "current-password")
    new = password_field("New password", "new-password")
    again = password_field("New password again", "new-password")

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["new"].help_text = "At least 12 characters. A few words in a row are easy to remember."

    def clean_new(self) -> str:
        new: str = self.cleaned_data["new"]
        validate_password(new, self.user)
        return new

    def clean(self) -> None:
        new, again = self.cleaned_data.get("new"), self.cleaned_data.get("again")
        if new and again and new != again:
            self.add_error("again", "This is not what you typed above.")
