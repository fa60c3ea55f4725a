"""Send one message through the mail server that the administrator has named."""

import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as RULES
from email.utils import format_datetime, parseaddr
from typing import Any, NoReturn

from django.conf import settings
from django.core.mail.utils import DNS_NAME

from jobs import masking
from jobs.executors import guard
from jobs.executors.base import Artefact, Context, ExecutionError
from jobs.executors.mailing.plain_text import plain_text

ERROR_CLASSES = (
    "EMAIL_ERROR",
    "TEMPORARY_FAILURE",
    "RECIPIENT_REFUSED",
    "SENDER_REFUSED",
    "MESSAGE_REFUSED",
    "PARTIALLY_DELIVERED",
    "DELIVERY_UNKNOWN",
    "AUTHENTICATION_FAILED",
    "EMAIL_NOT_CONFIGURED",
    "CONNECTION_ERROR",
    "DNS_ERROR",
    "TLS_ERROR",
)
# Not every server says how it takes other letters; all take these.
_POLICY = RULES.clone(cte_type="7bit")
# What a message ends with on its way.
_END = b"\r\n.\r\n"
FAREWELL_SECONDS = 1


@dataclass(frozen=True)
class Message:
    """What to send to whom. Where there is HTML and no text, the text is made from it."""

    to: Sequence[str]
    subject: str
    text: str = ""
    html: str = ""
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    reply_to: Sequence[str] = ()
    attachments: Sequence[Artefact] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def recipients(self) -> list[str]:
        return list(dict.fromkeys((*self.to, *self.cc, *self.bcc)))


@dataclass(frozen=True)
class Sent:
    """What the server has taken over: for whom, how much, and what it said."""

    recipients: list[str]
    size: int
    answer: str


def send(message: Message, context: Context, *, leaving_out: Sequence[str] = ()) -> Sent:
    """Hand the message to the server, once for all recipients but those to leave out.

    Its Message-ID is made of the run's id. Raises ExecutionError with one of ERROR_CLASSES; with
    PARTIALLY_DELIVERED when the server has taken it for some of them, whom `result["delivered"]` names.
    """
    if not settings.EMAIL_HOST:
        raise ExecutionError(
            "EMAIL_NOT_CONFIGURED", "No mail server is named here: CHRONOS_EMAIL_HOST does that."
        )
    recipients = [each for each in message.recipients if each not in leaving_out]
    written = _written(message, context)
    server = _Server(context, tls=_tls() if settings.EMAIL_USE_SSL else None)
    try:
        with _connected(server, context):
            return _hand_over(server, written, recipients, context)
    except (smtplib.SMTPException, OSError) as error:
        if server.awaits_judgement and not isinstance(error, smtplib.SMTPResponseException):
            raise _unknown(len(recipients)) from error
        # A socket closed under our hands is the deadline or a cancellation, not the server.
        context.check()
        _tell(error)


def _unknown(count: int) -> ExecutionError:
    return ExecutionError(
        "DELIVERY_UNKNOWN",
        "The message went out whole, but the mail server did not say that it took it:"
        f" {'the recipient' if count == 1 else f'{count:,} recipients'} may have got it.",
    )


def _written(message: Message, context: Context) -> EmailMessage:
    """The message as it goes out; nothing in it names the hidden recipients.

    Raises ExecutionError for what no header can hold.
    """
    sender = _sender()
    written = EmailMessage(_POLICY)
    try:
        written["From"] = sender
        for name, addresses in (("To", message.to), ("Cc", message.cc), ("Reply-To", message.reply_to)):
            if addresses:
                written[name] = [_address(each) for each in addresses]
        written["Subject"] = message.subject
        written["Date"] = format_datetime(datetime.now(UTC))
        written["Message-ID"] = f"<{context.run_id}@{sender.domain}>"
        written["Auto-Submitted"] = "auto-generated"
        for name, value in message.headers.items():
            written[name] = value
        written.set_content(message.text or plain_text(message.html))
        if message.html:
            written.add_alternative(message.html, subtype="html")
        for each in message.attachments:
            kind, _, subtype = each.media_type.partition(";")[0].partition("/")
            written.add_attachment(each.content, kind, subtype, filename=each.name)
    except ValueError as error:
        raise ExecutionError("MESSAGE_REFUSED", f"The message cannot be written: {error}") from error
    return written


def _sender() -> Address:
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    plain = _address(address)
    return Address(name, plain.username, plain.domain)


def _address(text: str) -> Address:
    name, _, domain = text.rpartition("@")
    try:
        # Servers know domains by their ASCII form alone.
        return Address(username=name, domain=domain.encode("idna").decode())
    except ValueError as error:
        raise ExecutionError("MESSAGE_REFUSED", f"{text[:60]} is no e-mail address.") from error


class _Server(smtplib.SMTP):
    """A connection whose every step has what is left of the run's time, and that another thread can end.

    `awaits_judgement` from the end of the message until the server has said what becomes of it.
    """

    def __init__(self, context: Context, *, tls: ssl.SSLContext | None) -> None:
        self._context, self._tls = context, tls
        self._sockets = guard.Sockets()
        self.shut_down = self._sockets.shut_down
        self.answer = b""
        self.awaits_judgement = False
        super().__init__(local_hostname=DNS_NAME.get_fqdn(), timeout=max(context.remaining, 0.001))

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        self._host = host
        sock = guard.connect(host, port, self._left(), sockets=self._sockets, trusted=True)
        if self._tls is None:
            return sock
        try:
            return self._tls.wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise

    def _left(self) -> float:
        self._context.check()
        return max(self._context.remaining, 0.001)

    def send(self, s: Any) -> None:
        if self.sock:
            self.sock.settimeout(self._left())
        super().send(s)
        self.awaits_judgement = isinstance(s, bytes) and s.endswith(_END)

    def getreply(self) -> tuple[int, bytes]:
        if self.sock:
            self.sock.settimeout(self._left())
        return super().getreply()

    def data(self, msg: Any) -> tuple[int, bytes]:
        code, self.answer = super().data(msg)
        self.awaits_judgement = False
        return code, self.answer

    def farewell(self) -> None:
        """Say goodbye without waiting long: the message is the server's, whatever becomes of us."""
        if self.sock:
            self.sock.settimeout(FAREWELL_SECONDS)
            with suppress(OSError):
                self.sock.sendall(b"QUIT\r\n")
                self.sock.recv(1)

    def close(self) -> None:
        super().close()
        self._sockets.close()


def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


@contextmanager
def _connected(server: _Server, context: Context) -> Iterator[None]:
    try:
        with context.closing(server.shut_down):
            code, answer = server.connect(settings.EMAIL_HOST, settings.EMAIL_PORT)
            if code != 220:
                raise smtplib.SMTPConnectError(code, answer)
            if settings.EMAIL_USE_TLS:
                server.ehlo_or_helo_if_needed()
                if not server.has_extn("starttls"):
                    raise ExecutionError("TLS_ERROR", "The mail server offers no encryption (STARTTLS).")
                server.starttls(context=_tls())
            if settings.EMAIL_HOST_USER:
                server.login(settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD)
            yield
            server.farewell()
    finally:
        server.close()


def _hand_over(server: _Server, written: EmailMessage, recipients: list[str], context: Context) -> Sent:
    names = {_address(each).addr_spec: each for each in recipients}
    sender = written["From"].addresses[0].addr_spec
    server.ehlo_or_helo_if_needed()
    other_letters = not all(each.isascii() for each in (sender, *names))
    if other_letters and not server.has_extn("smtputf8"):
        raise ExecutionError(
            "RECIPIENT_REFUSED", "The mail server knows names with ASCII letters alone (no SMTPUTF8)."
        )
    data = written.as_bytes(policy=_POLICY.clone(utf8=other_letters))
    _check_size(len(data), server)
    context.log("INFO", f"Sending {len(data):,} bytes by {settings.EMAIL_HOST}, recipients: {len(names):,}")
    refused = server.sendmail(
        sender, list(names), data, ["SMTPUTF8", "BODY=8BITMIME"] if other_letters else []
    )
    taken = [name for spec, name in names.items() if spec not in refused]
    sent = Sent(taken, len(data), _text(server.answer))
    if refused:
        reasons = {names[spec]: _reason(*why) for spec, why in refused.items()}
        _tell_who_misses_it(sent, reasons, context)
    return sent


def _check_size(size: int, server: _Server) -> None:
    """A server that says how much it takes need not be sent more."""
    said = server.esmtp_features.get("size") or ""
    most = int(said) if said.isdecimal() else 0
    if 0 < most < size:
        raise ExecutionError(
            "MESSAGE_REFUSED", f"The message has {size:,} bytes, and the mail server takes {most:,} at most."
        )


def _tell_who_misses_it(sent: Sent, reasons: Mapping[str, str], context: Context) -> NoReturn:
    for name, reason in reasons.items():
        context.log("WARN", f"{name} was refused: {reason}")
    name, reason = next(iter(reasons.items()))
    raise ExecutionError(
        "PARTIALLY_DELIVERED",
        f"Delivered to {len(sent.recipients):,} of {len(sent.recipients) + len(reasons):,}; {name}: {reason}",
        result={"delivered": sent.recipients, "refused": dict(reasons)},
    )


def _tell(error: Exception) -> NoReturn:
    """Raise what the error means for the run."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        reasons = {name: _reason(*why) for name, why in error.recipients.items()}
        later = any(code < 500 for code, _ in error.recipients.values())
        name, reason = next(iter(reasons.items()))
        raise ExecutionError(
            "TEMPORARY_FAILURE" if later else "RECIPIENT_REFUSED",
            f"Nobody got it; {name}: {reason}",
            result={"delivered": [], "refused": reasons},
        )
    if isinstance(error, smtplib.SMTPResponseException):
        raise ExecutionError(_class_of(error), f"The mail server said {_said(error)}")
    for kind, error_class in _CLASSES:
        if isinstance(error, kind):
            raise ExecutionError(error_class, masking.text(f"{type(error).__name__}: {error}")[:500])
    raise ExecutionError("EMAIL_ERROR", masking.text(str(error))[:500])


def _class_of(error: smtplib.SMTPResponseException) -> str:
    if 400 <= error.smtp_code < 500:
        return "TEMPORARY_FAILURE"
    if isinstance(error, smtplib.SMTPSenderRefused):
        # A message that is too large is refused together with its sender.
        return "MESSAGE_REFUSED" if error.smtp_code == 552 else "SENDER_REFUSED"
    if isinstance(error, smtplib.SMTPDataError):
        return "MESSAGE_REFUSED"
    return "AUTHENTICATION_FAILED" if isinstance(error, smtplib.SMTPAuthenticationError) else "EMAIL_ERROR"


_CLASSES: tuple[tuple[type[Exception], str], ...] = (
    (socket.gaierror, "DNS_ERROR"),
    (ssl.SSLError, "TLS_ERROR"),
    (smtplib.SMTPServerDisconnected, "CONNECTION_ERROR"),
    (smtplib.SMTPException, "EMAIL_ERROR"),
    (OSError, "CONNECTION_ERROR"),
)


def _said(error: smtplib.SMTPResponseException) -> str:
    return _reason(error.smtp_code, error.smtp_error)


def _reason(code: int, answer: bytes | str) -> str:
    return f"{code} {_text(answer)}"


def _text(answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return masking.text(" ".join(text.split()))[:300]
