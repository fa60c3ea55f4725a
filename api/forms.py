"""What a token is asked for."""

from datetime import datetime, timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from api.models import Scope


class TokenForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=60, help_text=_("What uses it: deploy pipeline, laptop.")
    )
    scope = forms.ChoiceField(
        label=_("It may"), choices=Scope, initial=Scope.READ, help_text=_("Never more than you may yourself.")
    )
    days = forms.IntegerField(
        label=_("Expires after days"), min_value=1, max_value=365, initial=90, help_text=_("A year at most.")
    )

    @property
    def expires_at(self) -> datetime:
        return timezone.now() + timedelta(days=self.cleaned_data["days"])
