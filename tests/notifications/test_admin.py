"""The outbox in the admin."""

import pytest

from accounts.actions import BACKEND
from notifications.models import Notification
from tests import factories

pytestmark = pytest.mark.django_db

LIST = "/admin/notifications/notification/"


def test_a_notification_is_found_by_its_job_and_its_person_and_shows_no_secret(client):
    client.force_login(factories.ada(), BACKEND)
    job = factories.job()
    message = Notification.objects.create(
        user=job.owner,
        job=job,
        channel="WEBHOOK",
        target="x",
        template_code="x",
        payload={"token": "s3cret", "run": 5},
    )
    for term in (job.pk, "smoke", "alice@example.com"):
        assert list(client.get(LIST, {"q": term}).context["cl"].result_list) == [message]
    page = client.get(f"{LIST}{message.pk}/change/").content.decode()
    assert "&quot;run&quot;: 5" in page
    assert "s3cret" not in page
