import pytest
from django.test import Client
from django.utils import timezone

from accounts.actions import BACKEND
from audit.models import AuditEvent
from dashboard.viewer import BROWSER_COOKIE, COOKIE, ViewerZone
from tests import factories

pytestmark = pytest.mark.django_db


def answered(client, path="/sign-in/", **cookies):
    client.cookies.load(cookies)
    return client.get(path)


@pytest.mark.parametrize(
    ("cookies", "zone"),
    [
        ({}, "UTC"),
        ({COOKIE: "Asia/Tokyo"}, "Asia/Tokyo"),
        ({COOKIE: "browser", BROWSER_COOKIE: "Europe/Berlin"}, "Europe/Berlin"),
        ({COOKIE: "browser"}, "UTC"),
        ({COOKIE: "browser", BROWSER_COOKIE: "../../etc/passwd"}, "UTC"),
        ({COOKIE: "job"}, "UTC"),
        ({COOKIE: "Mars/Olympus"}, "UTC"),
        ({COOKIE: "/etc/localtime"}, "UTC"),
    ],
)
def test_the_viewers_zone_is_the_one_of_the_cookies(cookies, zone):
    assert ViewerZone.read(cookies).zone.key == zone


def test_a_page_is_written_in_the_viewers_zone(client):
    assert " JST" in answered(client, **{COOKIE: "Asia/Tokyo"}).content.decode()
    assert timezone.get_current_timezone_name() == "UTC"


def test_the_menu_offers_the_browsers_zone_once_it_is_known(client):
    client.force_login(factories.alice(), BACKEND)
    page = answered(client, "/account/password/", **{BROWSER_COOKIE: "Europe/Berlin"}).content.decode()
    assert '<button name="zone" value="browser">' in page
    assert "Europe/Berlin (browser)" in page


def test_a_choice_is_remembered_and_leads_back(client):
    response = client.post("/time-zone/", {"zone": "Asia/Tokyo", "next": "/runs/?q=a"})
    assert response.headers["Location"] == "/runs/?q=a"
    assert client.cookies[COOKIE].value == "Asia/Tokyo"


def test_a_choice_is_kept_with_who_is_signed_in_and_follows_them_to_another_machine(client):
    alice = factories.alice()
    client.force_login(alice, BACKEND)
    client.post("/time-zone/", {"zone": "Asia/Tokyo"})
    elsewhere = Client()
    elsewhere.force_login(alice, BACKEND)
    assert " JST" in answered(elsewhere, "/account/password/").content.decode()


def test_what_a_person_chose_goes_before_what_the_browser_remembers():
    assert ViewerZone.read({COOKIE: "Asia/Tokyo"}, "Europe/Berlin").zone.key == "Europe/Berlin"
    assert ViewerZone.read({COOKIE: "Asia/Tokyo"}, "Mars/Olympus").zone.key == "UTC"


def test_a_change_of_the_zone_is_audited_once(client):
    client.force_login(factories.alice(), BACKEND)
    for _ in range(2):
        client.post("/time-zone/", {"zone": "Asia/Tokyo"})
    chosen = AuditEvent.objects.get(action="TIME_ZONE_CHOSEN")
    assert chosen.details == {"changes": {"time_zone": ["", "Asia/Tokyo"]}}


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "browser", "x" * 100_000])
def test_a_zone_that_is_none_is_told_at_its_field(client, zone):
    response = client.post("/time-zone/", {"zone": zone})
    assert response.status_code == 400
    assert response.context["form"].errors["zone"]
    assert COOKIE not in client.cookies


@pytest.mark.parametrize("address", ["https://evil.example/", "job_detail"])
def test_choosing_a_zone_leads_nobody_elsewhere(client, address):
    response = client.post("/time-zone/", {"zone": "UTC", "next": address})
    assert response.headers["Location"] == "/"
