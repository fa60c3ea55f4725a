"""What every answer tells browsers, and which requests are answered at all."""

import os
import subprocess
import sys

import pytest
from django.urls import reverse

from tests import factories
from tests.browser import PAGES

# The other pages are asked where they are opened anyway: tests/e2e/test_accessibility.py.
ADMINISTRATION = [name for name in PAGES if "administration" in name]


def test_every_answer_carries_the_policy(client):
    policy = client.get("/nowhere/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "data:" not in policy


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ],
)
def test_every_answer_tells_browsers_to_be_careful(client, name, value):
    assert client.get("/sign-in/").headers[name] == value


@pytest.mark.browser
@pytest.mark.parametrize("name", ADMINISTRATION)
def test_nothing_on_a_page_is_refused_by_the_policy(visit, live_server, name):
    ada = factories.ada()
    page = visit(PAGES[name](ada), ada)
    assert page.evaluate("violations") == []


@pytest.mark.browser
def test_the_policy_refuses_a_script_in_the_page(visit, live_server):
    page = visit("/sign-in/")
    page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "window.ran = true";
        document.body.append(script);
    }""")
    page.wait_for_function("() => violations.length")
    assert page.evaluate("window.ran") is None


@pytest.mark.browser
def test_signing_in_works_under_the_policy(visit, live_server):
    factories.bob()
    page = visit("/sign-in/?next=/account/password/")
    page.fill("[name=email]", "bob@example.com")
    page.fill("[name=password]", factories.PASSWORD)
    page.click("text=Sign in >> nth=-1")
    page.wait_for_url("**/account/password/")
    assert page.evaluate("violations") == []


@pytest.mark.parametrize(("https", "prefix"), [("0", ""), ("1", "__Host-")])
def test_cookies_are_bound_to_the_host_where_there_is_tls(https, prefix, settings):
    told = "from django.conf import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME)"
    environment = {"CHRONOS_HTTPS": https, "CHRONOS_ENV_FILE": os.devnull, "PATH": os.environ["PATH"]}
    words = [sys.executable, "-c", told]
    module = {"DJANGO_SETTINGS_MODULE": "chronos_site.settings", "CHRONOS_DATA_DIR": str(settings.DATA_DIR)}
    said = subprocess.run(words, env=environment | module, capture_output=True, text=True, check=True).stdout
    assert said.split() == [f"{prefix}chronos_session", f"{prefix}chronos_csrf"]


@pytest.mark.django_db
def test_the_session_cookie_is_for_no_script_and_no_other_site(client):
    alice = factories.alice()
    client.post(reverse("sign_in"), {"email": alice.email, "password": factories.PASSWORD})
    cookie = client.cookies["chronos_session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (
        True,
        "Lax",
        "/",
        "",
    )


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example"])
def test_another_host_than_ours_is_refused(client, host, settings):
    settings.ALLOWED_HOSTS = ["chronos.example.com"]
    assert client.get("/sign-in/", headers={"host": host}).status_code == 400
