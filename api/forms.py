"""What a token is asked for."""

from datetime import datetime, timedelta

from django import forms
from django.utils import timezone

from api.models import Scope


class TokenForm(forms.Form):
    name = forms.CharField(label="Name", max_length=60, help_text="What uses it: deploy pipeline, laptop.")
    scope = forms.ChoiceField(
        label="It may", choices=Scope, initial=Scope.READ, help_text="Never more than you may yourself."
    )
    days = forms.IntegerField(
        label="Expires after days", min_value=1, max_value=365, initial=90, help_text="A year at most."
    )

    @property
    def expires_at(self) -> datetime:
        return timezone.now() + timedelta(days=self.cleaned_data["days"])
