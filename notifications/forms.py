"""What people say about rules and contact points."""

import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from chronos_site import sealing
from jobs import zones
from jobs.models import Job
from notifications.channel_names import Channel
from notifications.channels import CHANNELS
from notifications.contacts import Contact
from notifications.rules import Event, Rule

LONGEST_SECRET = 4000
REMINDERS = (
    ("", "Never"),
    ("1800", "After half an hour, and every half hour"),
    ("3600", "Every hour"),
    ("14400", "Every four hours"),
    ("86400", "Every day"),
)
SHAPES = (
    ("JSON", "JSON, signed"),
    ("SLACK", "Slack"),
    ("TEAMS", "Microsoft Teams"),
    ("DISCORD", "Discord"),
    ("GENERIC", "JSON of your own, signed"),
)
_ABOUT_SECRETS = (
    "For a webhook the key that signs its messages, for a chat the whole address of its hook, for text "
    "messages the provider's address with its credentials. It is stored encrypted and shown to nobody."
)
_OF_OPERATORS = {Rule.Scope.OWNER}


def seen(name: str) -> str:
    """The name, if it is one line that can be seen. Raises ValidationError."""
    if any(unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp") for each in name):
        raise ValidationError(_("The name holds a control character."))
    return name


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """Who is told of what, and when."""

    job_name = forms.CharField(
        label=_("Which job"),
        required=False,
        max_length=255,
        help_text=_("Its whole name or its id."),
    )
    owner_email = forms.EmailField(label=_("Whose jobs"), required=False, help_text=_("The person's e-mail."))
    events = forms.MultipleChoiceField(
        label=_("Tell when"), choices=Event, widget=forms.CheckboxSelectMultiple
    )
    contacts = forms.ModelMultipleChoiceField(
        label=_("Tell whom"),
        queryset=Contact.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one.")},
    )
    remind_seconds = forms.TypedChoiceField(
        label=_("Remind while it lasts"), choices=REMINDERS, required=False, coerce=int, empty_value=None
    )

    class Meta:
        model = Rule
        fields = (
            "name",
            "scope",
            "tag",
            "events",
            "after_failures",
            "group_seconds",
            "remind_seconds",
            "quiet_from",
            "quiet_until",
            "zone",
            "urgent_breaks_through",
            "digest",
            "digest_at",
            "enabled",
        )
        labels = {
            "scope": _("About"),
            "tag": _("Which tag"),
            "after_failures": _("Failures in a row to be told"),
            "group_seconds": _("Seconds to wait for more"),
            "quiet_from": _("Quiet from"),
            "quiet_until": _("Quiet until"),
            "zone": _("Time zone of these times"),
            "urgent_breaks_through": _("What is urgent breaks through"),
            "digest": _("Collect messages"),
            "digest_at": _("Send them at"),
            "enabled": _("The rule is on"),
        }
        help_texts = {
            "after_failures": _("A single failure is told with 1; further ones are not told again."),
            "group_seconds": _("What is of the same kind and happens meanwhile makes one message."),
            "urgent_breaks_through": _(
                "Silent workers, trouble of Chronos itself, and what goes wrong with "
                "jobs of high priority, is told at once."
            ),
            "digest": _("All that happens until then makes one message."),
        }
        widgets = {
            "quiet_from": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "quiet_until": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "digest_at": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        owner = by if self.instance._state.adding else self.instance.owner
        self.owner: User = owner
        self._offer_contacts()
        scope: Any = self.fields["scope"]
        whose = "all jobs" if owner.is_operator else "all my jobs"
        labels = {Rule.Scope.ALL: whose.capitalize()}
        scope.choices = [
            (each.value, labels.get(each, each.label))
            for each in Rule.Scope
            if owner.is_operator or each not in _OF_OPERATORS
        ]
        events: Any = self.fields["events"]
        if not owner.is_operator:
            del self.fields["owner_email"]
            events.choices = [(each.value, each.label) for each in Event if each != Event.SCHEDULER]
        digest: Any = self.fields["digest"]
        digest.choices = [("", "Send each as it comes"), *Rule.Digest.choices]
        if self.instance.job_id:
            self.initial.setdefault("job_name", self.instance.job_id)
        if self.instance.of_owner_id:
            self.initial.setdefault("owner_email", self.instance.of_owner.email)

    def _offer_contacts(self) -> None:
        new = self.instance._state.adding
        chosen = [] if new else list(self.instance.contacts.values_list("pk", flat=True))
        usable = Contact.objects.usable_by(self.owner).values("pk")
        contacts: Any = self.fields["contacts"]
        contacts.queryset = Contact.objects.filter(Q(pk__in=usable) | Q(pk__in=chosen)).order_by("name", "pk")
        contacts.label_from_instance = _called
        self.initial.setdefault("contacts", chosen)

    def clean_name(self) -> str:
        return seen(self.cleaned_data["name"])

    def clean_tag(self) -> str:
        tag: str = self.cleaned_data["tag"]
        return tag.strip().lower()

    def clean_zone(self) -> str:
        try:
            zones.zone(self.cleaned_data["zone"])
        except zones.UnknownZone as error:
            raise ValidationError(str(error)) from error
        return str(self.cleaned_data["zone"])

    def clean_after_failures(self) -> int:
        return _between(self.cleaned_data["after_failures"], 1, 100)

    def clean_group_seconds(self) -> int:
        return _between(self.cleaned_data["group_seconds"], 0, 3600)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        self._clean_scope(cleaned.get("scope"), cleaned)
        quiet = (cleaned.get("quiet_from"), cleaned.get("quiet_until"))
        if (quiet[0] is None) != (quiet[1] is None) and not {"quiet_from", "quiet_until"} & set(self.errors):
            missing = "quiet_from" if quiet[0] is None else "quiet_until"
            self.add_error(missing, _("Quiet hours need both times."))
        return cleaned

    def _clean_scope(self, scope: Any, cleaned: dict[str, Any]) -> None:
        rule = self.instance
        rule.job = rule.of_owner = None
        if scope == Rule.Scope.JOB:
            rule.job = self._job(cleaned.get("job_name") or "")
        if scope == Rule.Scope.TAG and not cleaned.get("tag") and "tag" not in self.errors:
            self.add_error("tag", _("Say which tag."))
        if scope == Rule.Scope.OWNER and "owner_email" not in self.errors:
            rule.of_owner = User.objects.filter(email=(cleaned.get("owner_email") or "").lower()).first()
            if rule.of_owner is None:
                self.add_error("owner_email", _("Nobody has this e-mail."))
        if scope != Rule.Scope.TAG:
            cleaned["tag"] = ""

    def _job(self, asked: str) -> Job | None:
        visible = Job.objects.visible_to(self.owner)
        found = list(visible.filter(pk=asked)[:1]) or list(visible.filter(name=asked).order_by("pk")[:2])
        if len(found) == 1:
            return found[0]
        sentence = "Several jobs have this name: give the id, which the job's page shows."
        if not found:
            sentence = "There is no job of this name or id that you may see." if asked else "Say which job."
        self.add_error("job_name", sentence)
        return None


def _called(contact: Contact) -> str:
    return f"{contact.name} ({contact.get_channel_display()}: {contact.address})"


def _between(number: int, least: int, most: int) -> int:
    if not least <= number <= most:
        raise ValidationError(
            _("Give a number from %(least)s to %(most)s.") % {"least": least, "most": f"{most:,}"}
        )
    return number


class ContactForm(forms.ModelForm):  # type: ignore[type-arg]
    """Where messages go, and what it takes to send them there."""

    shape = forms.ChoiceField(label=_("What the webhook expects"), choices=SHAPES, required=False)
    body = forms.CharField(
        label=_("The JSON to send"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 6, "class": "mono"}),
        help_text=_("Only for JSON of your own."),
    )
    secret = forms.CharField(
        label=_("Secret"),
        required=False,
        max_length=LONGEST_SECRET,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    class Meta:
        model = Contact
        fields = ("name", "channel", "address", "shared", "enabled")
        labels = {
            "channel": "By",
            "shared": _("Rules of all operators may tell it"),
            "enabled": _("Messages are sent there"),
        }
        help_texts = {
            "name": _("As people call it: on-call, #ops, my phone."),
            "address": _(
                "The e-mail address, the web address without its secret part, or the number "
                "with its country: +44 20 7946 0000."
            ),
            "shared": "",
        }

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        told = self.instance.settings or {}
        self.initial.setdefault("shape", told.get("shape", "JSON"))
        self.initial.setdefault("body", told.get("body", ""))
        self.fields["channel"].choices = [  # type: ignore[attr-defined]
            (each.value, each.label) for each in Channel if each.value in CHANNELS
        ]
        kept = " Leave it empty to keep the one that is there." if self.instance.token else ""
        self.fields["secret"].help_text = _ABOUT_SECRETS + kept
        if not by.is_operator:
            del self.fields["shared"]

    def clean_name(self) -> str:
        return seen(self.cleaned_data["name"])

    @property
    def new_secret(self) -> str | None:
        """What was typed; None where the one that is there stays."""
        return self.cleaned_data["secret"] or None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        channel = CHANNELS.get(cleaned.get("channel", ""))
        if channel is None or "address" not in cleaned:
            return cleaned
        told = {"shape": cleaned.get("shape") or "JSON", "body": cleaned.get("body") or ""}
        self.instance.settings = told if cleaned["channel"] == Channel.WEBHOOK else {}
        if cleaned["channel"] == Channel.WEBHOOK and told["shape"] != "GENERIC":
            self.instance.settings = {"shape": told["shape"]}
        secret = cleaned.get("secret") or self.instance.secret or ""
        for name, sentences in channel.check(cleaned["address"], self.instance.settings, secret).items():
            for sentence in sentences:
                self.add_error(name if name in self.fields else None, sentence)
        if cleaned.get("secret") and not _may_keep_secrets():
            self.add_error("secret", str(sealing.NoKey()))
        return cleaned


def _may_keep_secrets() -> bool:
    try:
        sealing.sealed("")
    except sealing.NoKey:
        return False
    return True
