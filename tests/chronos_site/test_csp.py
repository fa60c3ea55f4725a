import pytest

from tests import factories
from tests.browser import PAGES


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
@pytest.mark.parametrize("name", PAGES)
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
