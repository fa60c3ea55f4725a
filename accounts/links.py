"""Links by which people set a password of their own: in invitations, and when they forgot it.

A link holds for PASSWORD_RESET_TIMEOUT, for one person, and once: a new password makes it worthless.
"""

import logging
from threading import Thread

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.urls import reverse
from django.utils.encoding import force_str
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from accounts.models import User
from chronos_site import own_address

logger = logging.getLogger(__name__)

# The name of the threads that mail.
MAILING = "mailing a link"


def link(user: User) -> str:
    """The whole address, on the host that the settings name: what a request claims could lead elsewhere."""
    uid = urlsafe_base64_encode(str(user.pk).encode())
    return own_address.whole(reverse("password_set", args=[uid, default_token_generator.make_token(user)]))


def whose(uid: str, token: str) -> User | None:
    """The active person whose link this is; None when it is wrong, over, or was used."""
    try:
        pk = int(force_str(urlsafe_base64_decode(uid)))
    except (ValueError, OverflowError):
        return None
    user = User.objects.filter(pk=pk, is_active=True).first() if 0 < pk < 2**63 else None
    return user if user and default_token_generator.check_token(user, token) else None


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
