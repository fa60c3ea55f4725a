import pytest

from tests.jobs.executors.test_email import Mailbox, serving


@pytest.fixture
def mailbox(settings):
    """A mail server that takes everything, unless it is told to refuse."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    box = Mailbox()
    with serving(settings, box):
        yield box
