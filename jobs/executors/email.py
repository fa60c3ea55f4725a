"""EMAIL: send one message to a list of addresses."""

from typing import Any, ClassVar

from django import forms

from jobs.executors.addresses import EmailsField, PathsField
from jobs.executors.base import JobType, PayloadForm
from jobs.executors.fields import JsonField, TextField


class EmailForm(PayloadForm):
    options: ClassVar[tuple[str, ...]] = (
        "to",
        "cc",
        "bcc",
        "reply_to",
        "subject",
        "text",
        "html",
        "attachments",
    )

    to = EmailsField(label="To", lines=2, help_text="Separated by commas, for example ops@example.com")
    cc = EmailsField(label="Cc", lines=0, required=False)
    bcc = EmailsField(label="Bcc", lines=0, required=False)
    reply_to = EmailsField(label="Reply to", lines=0, required=False)
    subject = TextField(label="Subject", max_length=998, help_text="For example Orders of yesterday")
    text = TextField(label="Text", lines=8, required=False, strip=False)
    html = TextField(
        label="HTML",
        lines=8,
        mono=True,
        required=False,
        strip=False,
        help_text="Shown instead of the text where it can be.",
    )
    attachments = PathsField(
        label="Attachments",
        lines=2,
        required=False,
        help_text="Whole paths, one a line: /srv/exports/orders.csv",
    )
    metadata = JsonField(label="Other options", required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        said = [*(cleaned.get("to") or []), *(cleaned.get("cc") or []), *(cleaned.get("bcc") or [])]
        if len(said) > 500:
            self.add_error("to", forms.ValidationError("These are more than 500 addresses."))
        return cleaned


TYPE = JobType(
    code="EMAIL",
    label="E-mail",
    hint="Send to a list",
    icon="ty-email",
    form=EmailForm,
    aliases={
        "to": "to",
        "recipients": "to",
        "cc": "cc",
        "bcc": "bcc",
        "replyTo": "reply_to",
        "subject": "subject",
        "text": "text",
        "body": "text",
        "html": "html",
        "htmlBody": "html",
        "attachments": "attachments",
        "metadata": "metadata",
    },
    ceiling=16,
    limit=60,
    error_classes=("EMAIL_ERROR", "RECIPIENT_REFUSED", "FILE_ERROR", "CONNECTION_ERROR", "TIMEOUT"),
)
