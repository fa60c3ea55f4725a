"""EMAIL: send one message to a list of addresses."""

import mimetypes
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation.trans_null import gettext_noop

from jobs.executors.addresses import EmailsField, PathsField, inside_folders
from jobs.executors.base import Artefact, Context, ExecutionError, JobType, Payload, Result
from jobs.executors.fields import TextField
from jobs.executors.files import roots
from jobs.executors.json_fields import OptionsField
from jobs.executors.mailing import deliveries, mail
from jobs.executors.payload_form import PayloadForm

ATTACHMENTS_MB = 25


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
    groups: ClassVar[Mapping[str, tuple[str, ...]]] = {
        gettext_noop("Cc, Bcc and Reply to"): ("cc", "bcc", "reply_to"),
        gettext_noop("HTML"): ("html",),
    }

    to = EmailsField(label=_("To"), lines=2, help_text=_("Separated by commas, for example ops@example.com"))
    cc = EmailsField(label=_("Cc"), lines=0, required=False)
    bcc = EmailsField(label=_("Bcc"), lines=0, required=False)
    reply_to = EmailsField(label=_("Reply to"), lines=0, required=False)
    subject = TextField(
        label=_("Subject"), max_length=998, help_text=_("For example Orders of {{ fire.date - 1d }}")
    )
    text = TextField(label=_("Text"), lines=8, required=False, strip=False)
    html = TextField(
        label="HTML",
        lines=8,
        mono=True,
        required=False,
        strip=False,
        help_text=_(
            "Shown instead of the text where it can be. Where the text is empty, it is made from this."
        ),
    )
    attachments = PathsField(
        label=_("Attachments"),
        lines=2,
        required=False,
        help_text=inside_folders("Paths of files inside ", f", one a line; {ATTACHMENTS_MB} MB together."),
    )
    metadata = OptionsField()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        said = [*(cleaned.get("to") or []), *(cleaned.get("cc") or []), *(cleaned.get("bcc") or [])]
        if len(said) > 500:
            self.add_error("to", forms.ValidationError(_("These are more than 500 addresses.")))
        return cleaned


def execute(payload: Payload, context: Context) -> Result:
    """Hand one message to the mail server, for all recipients at once.

    A retry or a replay after a partial delivery goes only to those who have not got it. Raises
    ExecutionError with FILE_ERROR for an attachment, and with what `deliveries.send` raises.
    """
    options = payload.options
    message = mail.Message(
        to=options.get("to") or [],
        cc=options.get("cc") or [],
        bcc=options.get("bcc") or [],
        reply_to=options.get("reply_to") or [],
        subject=options.get("subject") or "",
        text=options.get("text") or "",
        html=options.get("html") or "",
        attachments=list(_attachments(options.get("attachments") or [], context)),
    )
    sent = deliveries.send(message, context)
    return _told(sent, context) if sent else Result("Everybody had got it already")


def _told(sent: mail.Sent, context: Context) -> Result:
    context.log("INFO", f"The mail server took it: {sent.answer}")
    names = sent.recipients
    whom = names[0] if len(names) == 1 else f"{len(names):,} recipients"
    data = {"recipients": len(names), "bytes": sent.size, "answer": sent.answer}
    return Result(f"Sent to {whom}, {sent.size:,} bytes", data)


def _attachments(paths: list[str], context: Context) -> Iterator[Artefact]:
    room = ATTACHMENTS_MB * 1024 * 1024
    for path in paths:
        context.check()
        content = _read(path, room)
        room -= len(content)
        context.log("INFO", f"Attaching {path} ({len(content):,} bytes)")
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        yield Artefact(Path(path).name, content, kind)


def _read(path: str, room: int) -> bytes:
    """What is in a plain file inside the folders for files, reached by no link.

    Raises ExecutionError when it is something else, or larger than `room`.
    """
    try:
        with roots.open_file(path) as file:
            content = file.read(room + 1)
    except roots.Outside as error:
        raise ExecutionError("FILE_ERROR", str(error)) from error
    except OSError as error:
        raise ExecutionError("FILE_ERROR", f"{path} cannot be attached: {error.strerror}.") from error
    if len(content) > room:
        raise ExecutionError("FILE_ERROR", f"With {path} the attachments are over {ATTACHMENTS_MB} MB.")
    return content


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
    execute=execute,
    ceiling=16,
    limit=60,
    remembers=True,
    error_classes=(*mail.ERROR_CLASSES, "FILE_ERROR", "TIMEOUT"),
)
