"""Links by which people set a password of their own: in invitations, and when they forgot it.

A link holds for PASSWORD_RESET_TIMEOUT, for one person, and once: a new password makes it worthless.
"""

import logging
from threading import Thread

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.mail import send_mail
from django.urls import reverse
from django.utils.encoding import force_str
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from accounts.models import User
from chronos_site import own_address

logger = logging.getLogger(__name__)

# The name of the threads that mail.
MAILING = "mailing a link"


class _Tokens(PasswordResetTokenGenerator):
    """Tokens of links that somebody made, or that were asked for by mail."""

    def __init__(self, by: User | None) -> None:
        super().__init__()
        self._by = by.pk if by else ""

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)} {self._by}"


def link(user: User, *, by: User | None = None) -> str:
    """The whole address, on the host that the settings name: what a request claims could lead elsewhere.

    One that is shown to the administrator `by` is over once they are none: who leaves takes none along.
    """
    said = f"{user.pk}.{by.pk}" if by else str(user.pk)
    uid = urlsafe_base64_encode(said.encode())
    return own_address.whole(reverse("password_set", args=[uid, _Tokens(by).make_token(user)]))


def whose(uid: str, token: str) -> User | None:
    """The active person whose link this is; None when it is wrong, over, or was used."""
    try:
        pk, *makers = map(int, force_str(urlsafe_base64_decode(uid)).split("."))
    except (ValueError, OverflowError):
        return None
    if len(makers) > 1 or not all(0 < each < 2**63 for each in (pk, *makers)):
        return None
    user = User.objects.filter(pk=pk, is_active=True).first()
    by = User.objects.administrators().filter(pk__in=makers).first() if makers else None
    if user is None or bool(makers) != bool(by):
        return None
    return user if _Tokens(by).check_token(user, token) else None


def send_meanwhile(user: User) -> None:
    """Mail the link of who forgot their password, while the page answers.

    Were it to wait for the mail server, how long it takes would tell whether there is such an account.
    """
    Thread(target=send, args=(user,), kwargs={"invited": False}, name=MAILING).start()


def send(user: User, *, invited: bool) -> bool:
    """Mail the link; False where no mail could be sent, which the log explains."""
    if not settings.EMAIL_HOST:
        return False
    days = settings.PASSWORD_RESET_TIMEOUT // 86400
    why = (
        "You are invited to Chronos."
        if invited
        else "Somebody, probably you, asked for a new password for Chronos."
    )
    text = f"{why}\n\nChoose a password here, within {days} days:\n\n{link(user)}\n"
    if not invited:
        text += "\nIf it was not you, do nothing: your password stays as it is.\n"
    subject = "Your invitation to Chronos" if invited else "A new password for Chronos"
    try:
        send_mail(subject, text, settings.DEFAULT_FROM_EMAIL, [user.email])
    except OSError as error:
        # SMTPException is one too.
        logger.warning("The link for a password could not be mailed: %s", error)
        return False
    return True
