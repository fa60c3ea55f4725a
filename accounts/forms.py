"""Signing in and changing one's password."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts import actions
from accounts.models import Role, User

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

WRONG_CODE = _("This is not the code that the app shows now, or it was used already.")
# Long enough for any password manager; what is longer would only keep the hasher busy.
LONGEST_PASSWORD = 1024


def password_field(label: "_StrOrPromise", autocomplete: str) -> forms.CharField:
    """A password as typed, blanks and all; browsers and managers are told what it is for."""
    return forms.CharField(
        label=label,
        max_length=LONGEST_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
        error_messages={
            "max_length": format_lazy(_("Use at most {most} characters."), most=LONGEST_PASSWORD),
        },
    )


class SignInForm(forms.Form):
    """Who somebody claims to be; whether it is true is for `actions.sign_in` to say."""

    email = forms.EmailField(
        label=_("E-mail"),
        max_length=255,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = password_field(_("Password"), "current-password")

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        return email.lower()


class NewPasswordForm(forms.Form):
    """The password that somebody wants, twice."""

    new = password_field(_("New password"), "new-password")
    again = password_field(_("New password again"), "new-password")

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["new"].help_text = _("At least 12 characters. A few words in a row are easy to remember.")

    def clean_new(self) -> str:
        new: str = self.cleaned_data["new"]
        validate_password(new, self.user)
        return new

    def clean(self) -> None:
        new, again = self.cleaned_data.get("new"), self.cleaned_data.get("again")
        if new and again and new != again:
            self.add_error("again", _("This is not what you typed above."))


class PasswordForm(NewPasswordForm):
    """The password somebody has and, twice, the one they want."""

    old = password_field(_("Current password"), "current-password")

    field_order = ["old", "new", "again"]


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """An account as administrators see it; `by` is the one who edits."""

    by: User

    role = forms.ChoiceField(choices=Role.choices, help_text=_("Operators see and operate everyone's jobs."))
    new_password = password_field(_("New password"), "new-password")
    again = password_field(_("New password again"), "new-password")

    class Meta:
        model = User
        fields = ["email", "is_active"]
        labels = {"email": _("E-mail")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["is_active"].help_text = _("Without it they are signed out at once; their jobs go on.")
        if self.instance.pk:
            self.initial["role"] = self.instance.role
            for name in ("new_password", "again"):
                self.fields[name].required = False
            self.fields["new_password"].help_text = _("Leave empty to keep the one they have.")

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].lower()
        if User.objects.filter(email__iexact=email).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("Somebody has this e-mail already."))
        return email

    def clean_new_password(self) -> str:
        password: str = self.cleaned_data["new_password"]
        if password:
            validate_password(password, self.instance)
        return password

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if cleaned.get("again", "") != cleaned.get("new_password", cleaned.get("again", "")):
            self.add_error("again", _("This is not what you typed above."))
        if self.instance.pk and self.instance.is_administrator and not self._stays_administrator():
            self._refuse_last_administrator()
        return cleaned

    def changed(self) -> dict[str, tuple[Any, Any]]:
        """What was changed from what to what, for the audit trail."""
        told = {"email", "role", "is_active"} & set(self.changed_data)
        before = self.initial if self.instance.pk else {}
        return {name: (before.get(name), self.cleaned_data[name]) for name in sorted(told)}

    def _stays_administrator(self) -> bool:
        return self.cleaned_data.get("role") == Role.ADMIN and bool(self.cleaned_data.get("is_active"))

    def _refuse_last_administrator(self) -> None:
        field = "is_active" if self.cleaned_data.get("role") == Role.ADMIN else "role"
        if sentence := actions.why_needed(self.instance, by=self.by):
            self.add_error(field, sentence)


class ForgottenForm(forms.Form):
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=255,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )


class CodeForm(forms.Form):
    """A code of the authenticator app, or one of the recovery codes."""

    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}
        ),
        help_text=_("Six digits from your authenticator app. Without the app: one of your recovery codes."),
    )


class InviteForm(forms.Form):
    """Whom an administrator lets in, and as what."""

    email = forms.EmailField(label=_("E-mail"), max_length=255)
    role = forms.ChoiceField(
        label=_("Role"), choices=Role.choices, help_text=_("Operators see and operate everyone's jobs.")
    )

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].lower()
        if User.objects.filter(email__iexact=email).exists():
            raise forms.ValidationError(_("Somebody has this e-mail already."))
        return email


class ConfirmForm(forms.Form):
    """The password once more, before something that must not happen at somebody's unlocked screen."""

    password = password_field(_("Your password"), "current-password")
