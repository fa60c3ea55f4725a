"""Texts of messages that somebody has written; what has no row has the built-in one."""

from dataclasses import asdict
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models.functions import Now

from accounts.models import User
from audit.models import record
from chronos_site.locks import locked
from chronos_site.schema import SeedIndex, set_null
from notifications.channel_names import Channel
from notifications.texts import Texts


class ChangedMeanwhile(Exception):
    """Somebody else has written the text since it was read; `str()` is the sentence for the person."""

    def __init__(self) -> None:
        super().__init__("Somebody else has changed this text meanwhile: reload it to see theirs.")


class Template(models.Model):
    """The text of one kind of message for one channel."""

    code = models.CharField(max_length=50)
    channel = models.CharField(max_length=20, choices=Channel)
    subject = models.CharField(max_length=255, blank=True, default="")
    text = models.TextField(blank=True, default="")
    html = models.TextField(blank=True, default="")
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=set_null, null=True, related_name="+", db_index=False
    )

    class Meta:
        db_table = "notification_templates"
        indexes = [SeedIndex(fields=["updated_by"], name="idx_notification_templates_updated_by")]
        constraints = [
            models.UniqueConstraint(fields=["code", "channel"], name="uniq_notification_templates")
        ]

    def __str__(self) -> str:
        return f"{self.code} by {self.channel}"

    @property
    def texts(self) -> Texts:
        return Texts(self.subject, self.text, self.html)

    @property
    def state(self) -> str:
        """What changes whenever the text is written: who writes says which one they have read."""
        return self.updated_at.isoformat()


def written(code: str, channel: str) -> Template | None:
    """What an administrator has written in the place of the built-in text, if anything."""
    return Template.objects.filter(code=code, channel=channel).first()


@transaction.atomic
def change(
    code: str, channel: str, texts: Texts, *, by: User, at: datetime, read: str = "", note: str = ""
) -> bool:
    """Have such messages say this from now on; False when they do already.

    `read` is the `state` of what the person saw, empty for the built-in text. The audit trail keeps the
    text before and after. Raises ChangedMeanwhile.
    """
    template = _held(code, channel, read)
    before = template.texts if template.pk else Texts()
    if before == texts:
        return False
    template.subject, template.text, template.html = texts.subject, texts.text, texts.html
    template.updated_at, template.updated_by = at, by
    try:
        with transaction.atomic():
            template.save()
    except IntegrityError as error:
        raise ChangedMeanwhile from error
    told = {name: [asdict(before)[name], text] for name, text in asdict(texts).items()}
    changed = {name: pair for name, pair in told.items() if pair[0] != pair[1]}
    record(by, "TEMPLATE_CHANGED", template, details=_details(template, changed), note=note)
    return True


@transaction.atomic
def reset(code: str, channel: str, *, by: User, read: str, note: str = "") -> bool:
    """Have such messages say what is built in; False when they do already. Raises ChangedMeanwhile."""
    template = _held(code, channel, read)
    if template.pk is None:
        return False
    gone = {name: [text, ""] for name, text in asdict(template.texts).items() if text}
    record(by, "TEMPLATE_RESET", template, details=_details(template, gone), note=note)
    template.delete()
    return True


def _held(code: str, channel: str, read: str) -> Template:
    """The row, locked, or a fresh one. Raises ChangedMeanwhile where another one was read."""
    there = locked(Template.objects.filter(code=code, channel=channel)).first()
    if (there.state if there else "") != read:
        raise ChangedMeanwhile
    return there or Template(code=code, channel=channel)


def _details(template: Template, changed: dict[str, list[str]]) -> dict[str, object]:
    return {"code": template.code, "channel": template.channel, "changed": changed}
