"""EMAIL: HTML and text, through the mail server that the administrator has named."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from jobs.executors.base import ExecutionError
from jobs.executors.mailing import mail
from notifications.channels.base import Answer, Contact, Errors, Message, Refused, Unreachable, within

_FOR_GOOD = {"RECIPIENT_REFUSED", "SENDER_REFUSED", "MESSAGE_REFUSED"}


class Email:
    code = "EMAIL"
    label = "E-mail"
    seconds = 30.0

    def check(self, address: str, settings: Mapping[str, Any], secret: str) -> Errors:
        try:
            validate_email(address)
        except ValidationError:
            return {"address": ["Give one e-mail address, such as ops@example.com."]}
        return {}

    def send(self, message: Message, contact: Contact) -> Answer:
        """Hand it to the mail server; what becomes of it there is in the server's own log."""
        with within(self.seconds, message.id) as context:
            try:
                sent = mail.send(_mail(message, contact.address), context)
            except ExecutionError as error:
                if error.error_class in _FOR_GOOD:
                    raise Refused(error.message) from error
                raise Unreachable(error.message) from error
        return Answer("250", sent.answer)


def _mail(message: Message, address: str) -> mail.Message:
    about = {
        "X-Chronos-Event": message.facts.get("event"),
        "X-Chronos-Job": (message.facts.get("job") or {}).get("id"),
        "X-Chronos-Run": (message.facts.get("run") or {}).get("id"),
    }
    return mail.Message(
        to=[address],
        subject=message.subject,
        text=message.text,
        html=message.html,
        headers={name: str(value) for name, value in about.items() if value},
    )


CHANNEL = Email()
